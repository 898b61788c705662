import { BlockList, isIP, isIPv6 } from 'node:net';

/** Networks that are no public receivers: this host, private and shared ones, link-local (cloud metadata), documentation, multicast, and IPv6 that carries IPv4. */
const inside4 = new BlockList();
// Of its own: Node holds IPv4 addresses against the IPv6 networks of the same list as well.
const inside6 = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  inside4.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  inside6.addSubnet(network, prefix, 'ipv6');

/** Whether an IP address, with or without a zone, belongs to the public internet. */
export function isPublic(address: string): boolean {
  const [bare = ''] = address.split('%');
  if (isIP(bare) === 0) return false;
  return isIPv6(bare) ? !inside6.check(bare, 'ipv6') : !inside4.check(bare, 'ipv4');
}
