#pragma once

#include <sys/types.h>

#include <atomic>

/// What a disk without power, or one that fails, would do: this program's calls of fsync(),
/// fdatasync() and rename() go through here, those of SQLite, too.
namespace faults {

extern std::atomic<unsigned> syncs;  ///< that have succeeded
extern std::atomic<ino_t> watched;   ///< the inode of which watched_syncs counts those
extern std::atomic<unsigned> watched_syncs;
extern std::atomic<unsigned> failing_syncs;  ///< so many of the next ones fail with EIO
extern std::atomic<unsigned> die_at;  ///< the process is killed instead of this call; 0: never

}  // namespace faults
