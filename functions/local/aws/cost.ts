import { type DeliveredRecord, RestorationRecord } from '../../lib/contracts/record.ts';
import type { Machine, PriceTable } from './prices.ts';

type Device = DeliveredRecord['device'];

/** What the records of one device say, added up. All of it was measured by the worker that wrote them. */
export interface Measured {
  device: Device;
  images: number;
  megapixels: number;
  /** Of the sources, bytes. */
  bytes: number;
  /** Seconds of work on the pictures, one by one; pictures whose work overlapped count in full. */
  workSeconds: number;
  /** Of these, inside the models: there pictures never overlap. */
  modelSeconds: number;
}

/** Adds up timings, by device. Failed records have none. */
export class Timesheet {
  readonly #measured = new Map<Device, Measured>();
  /** Records without timings: failed ones, and those of a newer version of this software. */
  untimed = 0;

  add(content: unknown): void {
    const record = RestorationRecord.safeParse(content).data;
    if (!record || record.status === 'failed') {
      this.untimed += 1;
      return;
    }
    const { device, image, source, timings } = record;
    const sum = this.#measured.get(device) ?? nothing(device);
    sum.images += 1;
    sum.megapixels += (image.width * image.height) / 1e6;
    sum.bytes += source.size;
    sum.workSeconds += timings.fetch + timings.decode + timings.assess + timings.restore + timings.encode;
    sum.modelSeconds += timings.predictTime;
    this.#measured.set(device, sum);
  }

  /** The device with the most images first. */
  get measured(): Measured[] {
    return [...this.#measured.values()].sort((a, b) => b.images - a.images);
  }
}

/** US dollars, from what is certain (the models' seconds) to what is plausible (all seconds of work). */
export interface Dollars {
  low: number;
  high: number;
}

/** What `images` cost on a machine if each takes as long there as was measured. */
export function costOf(images: number, measured: Measured, machine: Machine): Dollars {
  const usdPerSecond = machine.usdPerHour / 3600;
  const perImage = (seconds: number) => (seconds / measured.images) * images * usdPerSecond;
  return { low: perImage(measured.modelSeconds), high: perImage(measured.workSeconds) };
}

/** What a heap of uploads will cost, by their bytes; the cheapest and the dearest machine of the device span the range. */
export function estimate(bytes: number, measured: Measured, prices: PriceTable): Dollars | undefined {
  const machines = machinesFor(measured.device, prices);
  if (machines.length === 0 || measured.bytes === 0) return undefined;
  const images = (bytes / measured.bytes) * measured.images;
  const costs = machines.map((machine) => costOf(images, measured, machine));
  return { low: Math.min(...costs.map(({ low }) => low)), high: Math.max(...costs.map(({ high }) => high)) };
}

export function machinesFor(device: Device, prices: PriceTable): Machine[] {
  return prices.machines.filter(({ devices }) => devices.includes(device));
}

function nothing(device: Device): Measured {
  return { device, images: 0, megapixels: 0, bytes: 0, workSeconds: 0, modelSeconds: 0 };
}
