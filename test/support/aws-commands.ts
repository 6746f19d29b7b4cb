import { Command, CommanderError } from 'commander';
import { vi } from 'vitest';
import { asRestorationError } from '../../functions/lib/contracts/errors.ts';
import { findInstallation } from '../../functions/lib/installation.ts';
import { addAwsCommands } from '../../functions/local/aws/commands.ts';

/**
 * Runs an `iqpir aws` command in this process: one of its own takes seconds to start.
 * @returns what it printed, what it threw, and the exit code that it left
 */
export async function runAws(...args: string[]): Promise<{ stdout: string; stderr: string; code: number | string }> {
  let stdout = '';
  let stderr = '';
  const program = new Command('iqpir').exitOverride().configureOutput({
    writeOut: (text) => {
      stdout += text;
    },
    writeErr: (text) => {
      stderr += text;
    },
  });
  addAwsCommands(program, findInstallation(), new AbortController().signal);
  const printed = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text;
    return true;
  });
  process.exitCode = 0;
  try {
    await program.parseAsync(['aws', ...args], { from: 'user' });
    return { stdout, stderr, code: process.exitCode };
  } catch (thrown) {
    if (thrown instanceof CommanderError) return { stdout, stderr, code: thrown.code };
    const error = asRestorationError(thrown);
    return { stdout, stderr: stderr + error.message, code: error.fault };
  } finally {
    printed.mockRestore();
    process.exitCode = undefined;
  }
}
