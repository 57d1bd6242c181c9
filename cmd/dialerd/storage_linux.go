package main

import "golang.org/x/sys/unix"

// storageOf asks the kernel. What it does not say is not known.
func storageOf(dir string) storage {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return storage{}
	}
	at := storage{free: st.Bavail * uint64(st.Bsize), known: true} //nolint:gosec // G115: a block has a size
	switch uint32(st.Type) {                                       //nolint:gosec // G115: magic numbers have 32 bits
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
		at.passing = "in memory"
	case unix.OVERLAYFS_SUPER_MAGIC:
		at.passing = "in a container's own layer, which goes with the container"
	}
	return at
}
