import { busIdOf } from './failures';

export interface Listed {
  uuid: string;
  model: string;
  instances: { uuid: string; profile: string; index: number }[];
}

/** `nvidia-smi -L` */
export function parseList(text: string): Listed[] {
  const devices: Listed[] = [];
  for (const line of text.split('\n')) {
    const device = /^GPU \d+: (.+) \(UUID: (GPU-[^)]+)\)\s*$/.exec(line);
    if (device) devices.push({ model: device[1] ?? '', uuid: device[2] ?? '', instances: [] });
    const instance = /^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)]+)\)\s*$/.exec(line);
    if (instance) devices.at(-1)?.instances.push({ profile: instance[1] ?? '', index: Number(instance[2]), uuid: instance[3] ?? '' });
  }
  return devices;
}

/** The device of a UUID, and the instance where it names one. */
export function placeOf(devices: readonly Listed[], uuid: string): { parent: string; index: number | null } | null {
  for (const device of devices) {
    if (device.uuid === uuid) return { parent: uuid, index: null };
    const instance = device.instances.find((one) => one.uuid === uuid);
    if (instance) return { parent: device.uuid, index: instance.index };
  }
  return null;
}

/** What only `nvidia-smi -q` tells of a device. */
export interface Details {
  /** Degrees Celsius; newer drivers tell the margins below instead. */
  slowdownCelsius: number | null;
  maxOperatingCelsius: number | null;
  /** Margin to the largest operating temperature at which the hardware slows down, degrees; mostly -2. */
  slowdownMargin: number | null;
  /** By index of the instance, bytes. */
  instances: Map<number, { total: number; used: number; free: number }>;
}

/** `nvidia-smi -q`: the version of CUDA, and details by bus id. */
export function parseQuery(text: string): { cuda: string | null; devices: Map<string, Details> } {
  const devices = new Map<string, Details>();
  let cuda: string | null = null;
  let device: Details | null = null;
  let instance: { total: number; used: number; free: number } | null = null;
  let heading = '';
  for (const line of text.split('\n')) {
    const busId = /^GPU ([0-9A-Fa-f]+:[0-9A-Fa-f]+:[0-9A-Fa-f.]+)\s*$/.exec(line)?.[1];
    if (busId !== undefined) {
      device = { slowdownCelsius: null, maxOperatingCelsius: null, slowdownMargin: null, instances: new Map() };
      devices.set(busIdOf(busId), device);
      instance = null;
      continue;
    }
    const entry = /^(\s*)(.*?)\s*:\s(.*)$/.exec(line);
    if (!entry) {
      heading = line.trim();
      // What stands one level deep belongs to the whole device again.
      if (/^ {4}\S/.test(line) && heading !== 'MIG Device') instance = null;
      continue;
    }
    const [, , key = '', value = ''] = entry;
    if (key === 'CUDA Version') cuda = value.startsWith('N/A') ? null : value.trim();
    if (!device) continue;
    const number = /^(-?\d+)/.exec(value)?.[1];
    if (key === 'Index' && heading === 'MIG Device' && number !== undefined) {
      instance = { total: 0, used: 0, free: 0 };
      device.instances.set(Number(number), instance);
    }
    if (number === undefined) continue;
    if (instance && heading.endsWith('FB Memory Usage')) {
      if (key === 'Total') instance.total = Number(number) * 2 ** 20;
      if (key === 'Used') instance.used = Number(number) * 2 ** 20;
      if (key === 'Free') instance.free = Number(number) * 2 ** 20;
    }
    if (key === 'GPU Slowdown Temp') device.slowdownCelsius = Number(number);
    if (key === 'GPU Max Operating Temp') device.maxOperatingCelsius = Number(number);
    if (key === 'GPU Slowdown T.Limit Temp') device.slowdownMargin = Number(number);
  }
  return { cuda, devices };
}
