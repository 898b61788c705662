export { type PackMember } from './format';
export { packFiles, type PackTarget } from './packFiles';
export { PackIndex, type PackSource } from './packIndex';
