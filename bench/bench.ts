/**
 * How fast, and in how much memory. The figures go to stdout as a table and to bench/results/ as JSON. Not a test: a busy
 * machine is a slow one.
 *   npm run bench                              # whole pictures; the 100 megapixels take the longest
 *   npm run bench -- --sizes 0.3,2 --rgba16 "" # only small ones
 *   npm run bench -- face                      # the face network against PyTorch, which IQPIR_PYTHON must have
 */
import { Command } from 'commander';
import { benchFace, type FaceBench } from './face.ts';
import { benchRestore, type RestoreBench } from './restore.ts';

const program = new Command('npm run bench --');
program
  .command('restore', { isDefault: true })
  .description('Whole pictures through the command line.')
  .option('--sizes <megapixels>', '8-bit RGB, JPEG', '0.3,2,12,100')
  .option('--rgba16 <megapixels>', '16 bit with alpha, PNG', '4,12')
  .option('--threads <n>', 'threads of the network (default: all cores)')
  .option('--device <device>', 'cpu, cuda or webgpu', 'cpu')
  .action((options: RestoreBench) => benchRestore(options));
program
  .command('face')
  .description('The published face network: onnxruntime-node against PyTorch eager fp32, the same weights and threads.')
  .argument('[variants...]', 'further ONNX files with the same inputs, as models/face_variants.py writes them')
  .option('--threads <n>', 'threads of each', '2')
  .option('--repeats <n>', 'runs of each after one that warms up; the fastest counts', '3')
  .action((variants: string[], options: Omit<FaceBench, 'variants'>) => benchFace({ variants, ...options }));
await program.parseAsync();
