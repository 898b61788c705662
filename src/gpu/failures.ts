import { type Answer, linesOf } from './command';

/** Why nvidia-smi says nothing of any device, as a sentence with the mend; null where it answered. */
export function absence(answer: Answer): string | null {
  if (answer.failure !== null) return answer.failure;
  const text = linesOf(answer).join('\n');
  const known = signs.find(({ sign }) => sign.test(text));
  if (known) return known.says(text);
  return answer.code === 0 ? null : `nvidia-smi failed with exit code ${answer.code}: ${linesOf(answer)[0] ?? 'no output'}`;
}

/** What a line or a cell says of a device that no longer answers; null where it says nothing of the kind. */
export function lossIn(text: string): string | null {
  const found = lossSigns.find(({ sign }) => sign.test(text));
  return found ? found.says : null;
}

/** `00000000:0B:00.0` and `0000:0b:00` are one device: the kernel writes four digits of domain and no function. */
export function busIdOf(text: string): string {
  const [domain = '', bus = '', device = ''] = text.toLowerCase().split(':');
  return `${domain.padStart(4, '0').slice(-4)}:${bus}:${device.split('.')[0]}`;
}

const signs: readonly { sign: RegExp; says: (text: string) => string }[] = [
  {
    sign: /Driver\/library version mismatch/i,
    says: (text) => {
      const library = /NVML library version: (\S+)/.exec(text)?.[1];
      const which = library === undefined ? '' : ` (the library is ${library})`;
      return `the NVIDIA driver in the kernel and its library differ in version${which}: restart the host, or load the kernel module anew`;
    },
  },
  {
    sign: /couldn't communicate with the NVIDIA driver/i,
    says: () => 'nvidia-smi reaches no NVIDIA driver: load its kernel module (modprobe nvidia), or install the driver again',
  },
  {
    sign: /No devices were found/i,
    says: () =>
      'the NVIDIA driver finds no device: look for it with lspci and in the kernel log, and restart the host if it has fallen off the bus',
  },
  {
    sign: /Failed to initialize NVML: (.+)/i,
    says: (text) =>
      `the NVIDIA library does not start (${/Failed to initialize NVML: (.+)/i.exec(text)?.[1]?.trim()}): in a container, start it anew; else restart the host`,
  },
  {
    sign: /NVIDIA-SMI couldn't find libnvidia-ml/i,
    says: () => 'the NVIDIA library libnvidia-ml.so is missing: install the driver again',
  },
];

const lossSigns: readonly { sign: RegExp; says: string }[] = [
  { sign: /GPU is lost/i, says: 'the device is lost: restart the host' },
  { sign: /GPU requires reset/i, says: 'the device must be reset: nvidia-smi --gpu-reset, or restart the host' },
  { sign: /Unable to determine the device handle/i, says: 'the device no longer answers the driver: restart the host' },
  { sign: /fallen off the bus/i, says: 'the device has fallen off the bus: restart the host' },
];
