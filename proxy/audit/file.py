"""A file of lines that several processes append to, with room kept ahead of its end for when the disk is full."""

import ctypes
import errno
import os
import stat
from pathlib import Path

STEP = 1 << 20  # bytes kept ahead; refilled when less than half is left
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE of linux/falloc.h: blocks beyond the end, the length stays
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


class LineFile:
    """Appends whole lines, one `write` each, under O_APPEND: lines of several processes never mix.

    A line torn by a full disk or a crash is ended before the next one. A file that was renamed or removed is opened
    anew by its name. Every method raises OSError where it fails.
    """

    def __init__(self, path: Path, step: int = STEP) -> None:
        self.path = path
        self._step = step
        self._handle = -1
        self._inode = (0, 0)
        self._regular = False
        self._room_until = 0

    def open(self) -> None:
        """Open the file, made with mode 600 where it is missing; its folder is never made: it may be a lost mount."""
        self.close()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        handle = os.open(self.path, flags, 0o600)
        found = os.fstat(handle)
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISCHR(found.st_mode)):
            os.close(handle)
            raise OSError(errno.EINVAL, "neither a file nor a device")
        self._handle = handle
        self._inode = (found.st_dev, found.st_ino)
        self._regular = stat.S_ISREG(found.st_mode)
        self._room_until = 0

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            handle, self._handle = self._handle, -1
            os.close(handle)

    def append(self, line: bytes) -> None:
        """Append a line that ends in a newline."""
        self._follow()
        data = b"\n" + line if self._is_torn() else line
        written = os.write(self._handle, data)
        if written != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def ensure_room(self) -> None:
        """Make sure that there is room for more lines even when the disk fills up from elsewhere."""
        self._follow()
        if not self._regular:
            return
        size = os.fstat(self._handle).st_size
        if self._room_until - size >= self._step // 2:
            return
        if _fallocate(self._handle, size, self._step):
            self._room_until = size + self._step
        else:
            free = os.fstatvfs(self._handle)
            if free.f_bavail * free.f_frsize < self._step:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def sync(self) -> None:
        """Wait until what was appended is on the disk."""
        if self._regular and self._handle >= 0:
            os.fdatasync(self._handle)

    def _follow(self) -> None:
        if self._handle < 0:
            self.open()
            return
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self.open()
            return
        if (found.st_dev, found.st_ino) != self._inode:
            self.open()

    def _is_torn(self) -> bool:
        if not self._regular:
            return False
        size = os.fstat(self._handle).st_size
        return size > 0 and os.pread(self._handle, 1, size - 1) != b"\n"


def _fallocate(handle: int, offset: int, length: int) -> bool:
    """Reserve blocks beyond the end; return whether the file system can do so. posix_fallocate would grow the file."""
    libc = ctypes.CDLL(None, use_errno=True)
    call = getattr(libc, "fallocate", None)
    if call is None:
        return False
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    while call(handle, _KEEP_SIZE, offset, length) != 0:
        code = ctypes.get_errno()
        if code in _UNSUPPORTED:
            return False
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code))
    return True
