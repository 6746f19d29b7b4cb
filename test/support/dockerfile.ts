/** One instruction of a Dockerfile, its arguments as they stand there, build arguments filled in. */
export interface Instruction {
  name: string;
  value: string;
}

export interface Stage {
  name: string;
  /** Name of another stage, or an image. */
  from: string;
  instructions: Instruction[];
}

/**
 * Reads as much of the syntax as our own Dockerfile uses: comments, continued lines, ARG before the first FROM.
 * @throws on what it does not know, so that no instruction is passed over in silence
 */
export function parseDockerfile(text: string): Stage[] {
  const args = new Map<string, string>();
  const stages: Stage[] = [];
  for (const { name, value } of instructionsOf(text)) {
    const filled = value.replaceAll(/\$\{(\w+)\}/g, (whole, arg: string) => args.get(arg) ?? whole);
    const stage = stages.at(-1);
    if (name === 'ARG' && !stage) {
      const [arg = '', ...rest] = value.split('=');
      args.set(arg, rest.join('='));
    } else if (name === 'FROM') {
      const match = /^(\S+) AS (\S+)$/.exec(filled);
      if (!match) throw new Error(`Expected "FROM image AS name" but found "FROM ${value}"`);
      stages.push({ from: match[1] ?? '', name: match[2] ?? '', instructions: [] });
    } else if (stage && known.has(name)) {
      stage.instructions.push({ name, value: name === 'RUN' ? value : filled });
    } else {
      throw new Error(`Expected an instruction of ours but found "${name} ${value}"`);
    }
  }
  return stages;
}

const known = new Set(['WORKDIR', 'ENV', 'COPY', 'RUN', 'LABEL', 'VOLUME', 'USER', 'CMD', 'SHELL']);

function instructionsOf(text: string): Instruction[] {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  return lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => {
      const [name = '', ...rest] = line.split(' ');
      return { name, value: rest.join(' ').trim() };
    });
}
