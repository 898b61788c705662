export { profileCategories } from './categories';
export { categoryNoise, numberNoise, sampleUnits, type UnitSample } from './noise';
export { profileNumbers } from './numbers';
export { profilePredictions } from './predictions';
export { profileFile, profileTable } from './profileFile';
export { type ProfiledTable } from './profileParts';
export { profileSplits } from './profileSplits';
