import type { Settings } from '../lib/contracts/settings.ts';
import type { Device } from '../lib/inference/messages.ts';
import type { RegisteredModel } from '../lib/inference/registry.ts';
import { describeModels, type Engine, openEngine } from './engine.ts';

/** The engine of a job, and those of the models that single uploads ask for. */
export interface Engines {
  /** Of the job's own settings; open from the start, so that what is wrong with it shows before the first picture. */
  own: Engine;
  /** What is known of a model without loading it; it is loaded when a picture needs it. */
  engineFor(settings: Settings): Engine;
  close(): Promise<void>;
}

/**
 * Beside the job's own models one more pair at a time is in memory: only one picture is in the network at a time, so whoever
 * needs another model may close the last one.
 */
export async function openEngines(
  registry: RegisteredModel[],
  settings: Settings,
  options: { device: Device; threads: number },
): Promise<Engines> {
  const own = await openEngine(registry, settings, options);
  let guest: { model: string; engine: Promise<Engine> } | undefined;
  const closeGuest = async () => {
    const leaving = guest;
    guest = undefined;
    await leaving?.engine.then((engine) => engine.close()).catch(() => undefined);
  };
  const guestFor = async (wanted: Settings): Promise<Engine> => {
    if (guest?.model !== wanted.model) {
      await closeGuest();
      // Faces have models of their own, whatever restores the rest: those that are open serve every picture.
      guest = { model: wanted.model, engine: openEngine(registry, { ...wanted, faces: 'off' }, options) };
    }
    try {
      return await guest.engine;
    } catch (error) {
      guest = undefined;
      throw error;
    }
  };
  return {
    own,
    engineFor(wanted) {
      if (wanted.model === settings.model) return own;
      return {
        ...describeModels(registry, wanted, options.device),
        faces: own.faces,
        assess: async (...args) => (await guestFor(wanted)).assess(...args),
        restore: async (...args) => (await guestFor(wanted)).restore(...args),
        close: closeGuest,
      };
    },
    async close() {
      await closeGuest();
      await own.close();
    },
  };
}
