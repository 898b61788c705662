import type { Origin, Ref, Snapshot } from '../../contract';

/** The files of a data source, found but not yet read. */
export interface SourceTree {
  /** How messages name it. */
  name: string;
  /** As the spec or the command names it. */
  source: string;
  /** Null for files of no known format. */
  format: Snapshot['format'] | null;
  /** In code unit order of `path`. */
  files: SourceFile[];
  /** Local folder the paths start from; null where the files lie elsewhere or under other names. */
  root: string | null;
  /** What tells this source from others in the index, e.g. its absolute path. */
  place: string;
  /** Where the bytes came from and their version there; asked for after the files were read. */
  origin(): Promise<Origin>;
  /** A local path with the bytes of a file, checked against whatever the source says of them. */
  lend(file: SourceFile): Promise<Lent>;
  /** Of a source that is in the store already: its manifest. */
  stored?: Ref;
}

export interface SourceFile {
  path: string;
  /** Bytes. */
  size: number;
  mode?: '755';
  /** Another stamp, perhaps other bytes: device, inode, size and times of a local file; version, ETag or checksum elsewhere. */
  stamp: string;
  /** When it was last touched, milliseconds since 1970; 0 where the stamp alone proves the bytes. */
  touched: number;
}

export interface Lent {
  path: string;
  /** The file whose bytes these are: another than was asked for where it was replaced since it was listed. */
  file: SourceFile;
  /** Gives the path back: the file as it is now, with another stamp where it changed meanwhile; null where it is gone. */
  settle(): Promise<SourceFile | null>;
}

export interface SourceOptions {
  /** Scratch folder for what has to be made or fetched. */
  folder: string;
  python?: string | undefined;
  heartbeat?: (() => void) | undefined;
  /** Take files of any kind, as a snapshot does; default: only what an experiment can read. */
  anyFormat?: boolean | undefined;
}

/** Version control and desktop leftovers: never data. Other hidden files are kept, and are no examples. */
const machinery = new Set(['.git', '.dvc', '.hg', '.svn', '.DS_Store']);
export const isMachinery = (name: string): boolean => machinery.has(name);

export const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
