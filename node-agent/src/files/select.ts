/** What of an overlay's upper directory belongs to the difference, and how; pure. See Documentation/filesystems/overlayfs.rst. */

export interface Found {
  /** Relative to the root, without a leading slash. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';
  readonly rdev: number;
  readonly xattrs: readonly string[];
  readonly opaque: boolean;
}

export type Choice =
  | { readonly do: 'keep' }
  /** Keep the directory; what the image has below it is gone. */
  | { readonly do: 'keepOpaque' }
  /** The image's file is gone. */
  | { readonly do: 'delete' }
  | { readonly do: 'skip' }
  | { readonly do: 'refuse'; readonly why: string };

const UNSUPPORTED = ['trusted.overlay.redirect', 'trusted.overlay.metacopy'];

export function choose(found: Found, mountPoints: ReadonlySet<string>): Choice {
  // What lies at or below a mount point is a stub of runc's, and hidden.
  if (isCovered(`/${found.path}`, mountPoints)) return { do: 'skip' };
  if (found.kind === 'char' && found.rdev === 0) return { do: 'delete' };
  const odd = found.xattrs.find((name) => UNSUPPORTED.includes(name));
  if (odd !== undefined)
    return { do: 'refuse', why: `${found.path} has ${odd}: its content is not in the upper directory` };
  // Sockets come back with the process that bound them.
  if (found.kind === 'socket') return { do: 'skip' };
  return found.opaque ? { do: 'keepOpaque' } : { do: 'keep' };
}

/**
 * Whether a folder of the root, without a leading slash, is left out: it is one of those that are named, absolutely or by the last parts
 * of its path, and nothing in it is in use.
 */
export function isExcluded(path: string, excludePaths: readonly string[], inUse: readonly string[]): boolean {
  const absolute = `/${path}`;
  const named = excludePaths.some((e) => (e.startsWith('/') ? absolute === e : absolute.endsWith(`/${e}`)));
  return named && !inUse.some((used) => used === absolute || used.startsWith(`${absolute}/`));
}

/** At a mount point or below one. */
export function isCovered(path: string, mountPoints: ReadonlySet<string>): boolean {
  for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) if (mountPoints.has(at)) return true;
  return false;
}
