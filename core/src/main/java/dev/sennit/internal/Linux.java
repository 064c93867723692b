package dev.sennit.internal;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.internal.MemoryFile.NotAMemoryFileException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The few system calls of Linux for which Java has no API: waiting on a word of shared memory (futex), memory that
 * processes can share and that is in no file system (memfd), and signals to a process whose id may have been reused
 * (pidfd). Through {@link #call}, {@link dev.sennit.internal.linux} makes those of sockets and of processes.
 *
 * <p>They are available on Linux for x86-64 and AArch64, if native access is enabled for this module: see {@link
 * #isAvailable}. All other methods need that; callers without it use portable means.
 */
@SuppressWarnings("restricted") // asked for by isNativeAccessEnabled
public final class Linux {
    private Linux() {}

    /**
     * Only success is kept: a failure may have a passing cause, such as a lack of file descriptors. A worker gets the
     * result from its parent and does not try the calls, as linking them takes a good part of its start.
     */
    private static volatile boolean proven;

    /** The option of {@code java} that enables native access for all code on the class path. */
    public static final String NATIVE_ACCESS_OF_UNNAMED = "--enable-native-access=ALL-UNNAMED";

    /**
     * Returns whether the calls can be used.
     *
     * @return whether this is Linux on a known processor, native access is enabled for this module, and each call was
     *     tried with success, but for {@link #giveBack}, which does nothing where it is forbidden
     */
    public static boolean isAvailable() {
        if (!proven && isSupported() && isProven()) {
            proven = true;
        }
        return proven;
    }

    /**
     * Returns whether system calls can be made. Tries none: a container's rules may forbid some, which then fail.
     *
     * @return whether this is Linux on a known processor, and native access is enabled for this module
     */
    public static boolean isSupported() {
        return isKnown() && Linux.class.getModule().isNativeAccessEnabled();
    }

    /**
     * Returns why system calls cannot be made, and what to do.
     *
     * @return part of a sentence; null if they {@linkplain #isSupported can be made}
     */
    public static @Nullable String obstacle() {
        if (!isKnown()) {
            return "this needs Linux on x86-64 or AArch64, and here is " + System.getProperty("os.name") + " on "
                    + System.getProperty("os.arch");
        }
        return isSupported() ? null : "native access is not enabled: start java with " + nativeAccessOption();
    }

    private static boolean isKnown() {
        return System.getProperty("os.name", "").equals("Linux") && Numbers.OF_THIS_PROCESSOR.futex > 0;
    }

    /**
     * Returns the remedy that makes the calls available.
     *
     * @return the remedy; null if the calls are available, or cannot be on this system
     */
    public static @Nullable String remedy() {
        if (!isKnown() || isAvailable()) {
            return null;
        }
        return Linux.class.getModule().isNativeAccessEnabled()
                ? "let the rules of this container, or of this system, allow memfd_create and futex"
                : "start java with " + nativeAccessOption();
    }

    /**
     * Returns the option of {@code java} that enables native access for this module.
     *
     * @return the whole option
     */
    public static String nativeAccessOption() {
        Module module = Linux.class.getModule();
        return module.isNamed() ? "--enable-native-access=" + module.getName() : NATIVE_ACCESS_OF_UNNAMED;
    }

    /** The numbers of the calls. */
    private record Numbers(
            long futex, long memfdCreate, long openat, long ftruncate, long fcntl, long close, long madvise) {
        static final Numbers OF_THIS_PROCESSOR = switch (System.getProperty("os.arch", "")) {
            case "amd64", "x86_64" -> new Numbers(202, 319, 257, 77, 72, 3, 28);
            case "aarch64" -> new Numbers(98, 279, 56, 46, 25, 57, 233);
            default -> new Numbers(-1, -1, -1, -1, -1, -1, -1);
        };
    }

    /** Tries the calls: a container's rules may forbid a call that the kernel has. */
    private static boolean isProven() {
        try (MemoryFile file = MemoryFile.create("probe", 64);
                Arena arena = Arena.ofConfined()) {
            MemorySegment mapped = file.map(arena);
            futexWake(mapped, 1);
            futexWait(mapped, 1); // returns at once: the word is 0
            return true;
        } catch (Throwable e) { // a missing symbol is an Error
            return false;
        }
    }

    /**
     * The handle of {@code syscall}: a constant, so that a call costs as much as in C. All calls use the same function
     * and signature, as each linked function costs the start of a process some hundredths of a second.
     */
    private static final class Calls {
        private static final Numbers NUMBERS = Numbers.OF_THIS_PROCESSOR;
        private static final int FUTEX_WAIT = 0;
        private static final int FUTEX_WAKE = 1;
        private static final int F_ADD_SEALS = 1033;
        private static final int F_GET_SEALS = 1034;
        private static final int F_SEAL_SHRINK = 2;
        private static final int F_SEAL_GROW = 4;
        /** The size is sealed: a file that shrinks kills processes that have mapped it. */
        private static final int SEALS = F_SEAL_SHRINK | F_SEAL_GROW;

        private static final int MFD_CLOEXEC = 1;
        private static final int MFD_ALLOW_SEALING = 2;
        private static final int MADV_REMOVE = 9;
        /** The same number on all processors, like all calls newer than Linux 5. */
        private static final int PIDFD_SEND_SIGNAL = 424;
        private static final int PIDFD_OPEN = 434;
        private static final int AT_FDCWD = -100;
        private static final int O_RDWR = 2;
        private static final int O_CLOEXEC = 0x80000;
        private static final int O_PATH = 0x200000;

        static final MethodHandle CALL = syscall();

        private static MethodHandle syscall(Linker.Option... more) {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(
                    linker.defaultLookup().findOrThrow("syscall"),
                    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG),
                    Stream.concat(Stream.of(Linker.Option.firstVariadicArg(1)), Stream.of(more))
                            .toArray(Linker.Option[]::new));
        }

        /** Makes a call whose first argument is a file descriptor instead of an address. */
        static long ofFile(long number, int descriptor, long second, long third) throws Throwable {
            return (long) CALL.invokeExact(
                    number, MemorySegment.ofAddress(descriptor), second, third, MemorySegment.NULL, 0L);
        }
    }

    /** The same function, with a reason when it fails. Few processes ever link it. */
    private static final class Failures {
        private static final StructLayout STATE = Linker.Option.captureStateLayout();
        private static final long ERRNO = STATE.byteOffset(PathElement.groupElement("errno"));
        private static final MethodHandle CALL = Calls.syscall(Linker.Option.captureCallState("errno"));

        static long call(long number, long first, long second, long third, long fourth, long fifth) throws Throwable {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment state = arena.allocate(STATE);
                long result = (long) CALL.invokeExact(
                        state,
                        number,
                        MemorySegment.ofAddress(first),
                        second,
                        third,
                        MemorySegment.ofAddress(fourth),
                        fifth);
                return result == -1 ? -state.get(JAVA_INT, ERRNO) : result;
            }
        }
    }

    /**
     * Makes any system call, as the kernel's own interface has it: arguments are numbers or addresses, and a negative
     * result is the reason of a failure. Needs {@link #isSupported}.
     *
     * <p>A call that fails is made once more, to hear the reason: the JVM may overwrite {@code errno} before Java code
     * can read it, and the function that saves it costs the start of a process as much as the first. So this is for
     * calls that have had no effect when they fail; {@link #close} is not such a call.
     *
     * @param number which call
     * @param first its arguments, from here on; those that it has not are ignored
     * @param second an argument
     * @param third an argument
     * @param fourth an argument
     * @param fifth an argument
     * @return its result; if negative, {@code errno} times -1
     */
    public static long call(long number, long first, long second, long third, long fourth, long fifth) {
        try {
            long result = (long) Calls.CALL.invokeExact(
                    number, MemorySegment.ofAddress(first), second, third, MemorySegment.ofAddress(fourth), fifth);
            return result == -1 ? Failures.call(number, first, second, third, fourth, fifth) : result;
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /**
     * Sleeps until {@link #futexWake}, unless the word has changed already. May return spuriously, so the caller has to
     * check its condition again. Cannot be interrupted, and pins the carrier of a virtual thread.
     *
     * @param word 4 bytes of memory, aligned
     * @param expected returns at once when the word has another value
     */
    public static void futexWait(MemorySegment word, int expected) {
        futexWait(word, expected, MemorySegment.NULL);
    }

    /**
     * Works as {@link #futexWait(MemorySegment, int)}, for a limited time.
     *
     * @param word 4 bytes of memory, aligned
     * @param expected returns at once when the word has another value
     * @param nanos how long to sleep at most; returns at once when it is 0 or less
     */
    public static void futexWait(MemorySegment word, int expected, long nanos) {
        if (nanos <= 0) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment timespec = arena.allocate(JAVA_LONG, 2);
            timespec.setAtIndex(JAVA_LONG, 0, nanos / 1_000_000_000L);
            timespec.setAtIndex(JAVA_LONG, 1, nanos % 1_000_000_000L);
            futexWait(word, expected, timespec);
        }
    }

    private static void futexWait(MemorySegment word, int expected, MemorySegment timespec) {
        try {
            long ignored = (long) Calls.CALL.invokeExact(
                    Calls.NUMBERS.futex, word, (long) Calls.FUTEX_WAIT, (long) expected, timespec, 0L);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /**
     * Wakes threads that sleep on a word, in any process.
     *
     * @param word 4 bytes of memory, aligned
     * @param count how many threads to wake at most
     */
    public static void futexWake(MemorySegment word, int count) {
        try {
            long ignored = (long) Calls.CALL.invokeExact(
                    Calls.NUMBERS.futex, word, (long) Calls.FUTEX_WAKE, (long) count, MemorySegment.NULL, 0L);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /**
     * Gives the pages of a part of a memory file back to the system, for all processes that have mapped it. The part
     * then reads as zeros, and takes no memory until it is touched again. Does nothing where the call is forbidden.
     *
     * @param part begins and ends at page boundaries
     */
    public static void giveBack(MemorySegment part) {
        try {
            long ignored = (long) Calls.CALL.invokeExact(
                    Calls.NUMBERS.madvise, part, part.byteSize(), (long) Calls.MADV_REMOVE, MemorySegment.NULL, 0L);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Creates a memory file of fixed size, filled with zeros; returns its descriptor. */
    static int createMemoryFile(String name, long size) throws IOException {
        int descriptor;
        try (Arena arena = Arena.ofConfined()) {
            descriptor = (int) (long) Calls.CALL.invokeExact(
                    Calls.NUMBERS.memfdCreate,
                    arena.allocateFrom(name),
                    (long) (Calls.MFD_CLOEXEC | Calls.MFD_ALLOW_SEALING),
                    0L,
                    MemorySegment.NULL,
                    0L);
            if (descriptor < 0) {
                throw new IOException("no memory file could be made: too many open files?");
            }
            long sized = Calls.ofFile(Calls.NUMBERS.ftruncate, descriptor, size, 0);
            if (sized != 0 || Calls.ofFile(Calls.NUMBERS.fcntl, descriptor, Calls.F_ADD_SEALS, Calls.SEALS) != 0) {
                close(descriptor);
                throw new IOException("a memory file of " + size + " bytes could not be made");
            }
            return descriptor;
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /**
     * Opens a descriptor of the process that has an id now; returns less than 0 if there is no process or no
     * descriptor.
     */
    static int openProcess(long pid) {
        try {
            return (int) Calls.ofFile(Calls.PIDFD_OPEN, (int) pid, 0, 0);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Sends a signal to the process of a descriptor; returns whether it was sent. */
    static boolean signal(int process, int signal) {
        try {
            return Calls.ofFile(Calls.PIDFD_SEND_SIGNAL, process, signal, 0) == 0;
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /**
     * Opens a memory file of another process; returns its descriptor here. Checks the type of the file before it is
     * opened, as opening a device or a named pipe may have effects.
     */
    static int openMemoryFile(Path path) throws IOException {
        int found = open(path, Calls.O_PATH);
        try {
            if (!Files.isRegularFile(pathOf(found))) {
                throw new NotAMemoryFileException(path, "no regular file");
            }
            int descriptor = open(pathOf(found), Calls.O_RDWR);
            long seals = Calls.ofFile(Calls.NUMBERS.fcntl, descriptor, Calls.F_GET_SEALS, 0);
            if (seals < 0 || (seals & Calls.SEALS) != Calls.SEALS) {
                close(descriptor);
                throw new NotAMemoryFileException(path, "its size is not sealed");
            }
            return descriptor;
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw unexpected(e);
        } finally {
            close(found);
        }
    }

    private static int open(Path path, int how) throws IOException {
        long descriptor;
        try (Arena arena = Arena.ofConfined()) {
            descriptor = (long) Calls.CALL.invokeExact(
                    Calls.NUMBERS.openat,
                    MemorySegment.ofAddress(Calls.AT_FDCWD),
                    arena.allocateFrom(path.toString()).address(),
                    (long) (how | Calls.O_CLOEXEC),
                    MemorySegment.NULL,
                    0L);
        } catch (Throwable e) {
            throw unexpected(e);
        }
        if (descriptor < 0) {
            throw new IOException(path + " cannot be opened: it is closed, or too many files are open");
        }
        return (int) descriptor;
    }

    /** Returns the path of a descriptor of this process. */
    static Path pathOf(int descriptor) {
        return Path.of("/proc/self/fd/" + descriptor);
    }

    /**
     * Closes a file descriptor of this process. Needs {@link #isSupported}.
     *
     * @param descriptor the number, which may be another file's afterwards
     */
    public static void close(int descriptor) {
        try {
            Calls.ofFile(Calls.NUMBERS.close, descriptor, 0, 0);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static RuntimeException unexpected(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
    }
}
