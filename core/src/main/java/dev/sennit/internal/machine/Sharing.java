package dev.sennit.internal.machine;

import dev.sennit.internal.Fallbacks;
import dev.sennit.internal.Linux;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How this process makes blocks of shared memory, and how its threads wait on a word of one: the only seam between the two
 * mechanisms, chosen once for a process.
 *
 * <p>Processes that chose differently work together. Where a block lies tells how to map it, and every wait ends by itself
 * after a slice of some milliseconds, so that it does not depend on being woken.
 */
public abstract sealed class Sharing permits NativeSharing, PortableSharing {
    /** Which mechanism to use: auto, native or portable. */
    static final String PROPERTY = "sennit.shared-memory";

    /** How often a thread that waits looks after other processes, and how late it may notice a time limit or a death. */
    public static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(3);

    /** Written once, with the class's lock. */
    private static volatile @Nullable Sharing chosen;

    /** The memory of a block, in the process that makes it. */
    public interface Block extends AutoCloseable {
        /** Where another process finds it: what {@link #map(long, String, long, Arena)} takes. */
        String place();

        /**
         * Maps it.
         *
         * @param arena how long
         */
        MemorySegment map(Arena arena) throws IOException;

        /**
         * Maps it until an arena is closed, or, if the mechanism can tell, until all its segments are lost.
         *
         * @param users a fresh shared arena, whose scope the segment gets
         */
        MemorySegment mapUntilClosedOrLost(Arena users) throws IOException;

        /** Lets nobody else map it. May be called again, to free what could not be freed while it was mapped here. */
        @Override
        void close();
    }

    /** Makes a block, filled with zeros. Pages that nobody touches take no memory. */
    public abstract Block create(long size) throws IOException;

    /**
     * Waits until somebody changed a word, but no longer than a slice. May return for no reason. Holds no carrier of a virtual
     * thread.
     *
     * @param word 4 bytes, aligned
     * @param expected returns at once if it holds something else
     * @param limit of the whole wait
     * @throws InterruptedException if the thread is interrupted before or meanwhile
     */
    public abstract void await(MemorySegment word, int expected, WaitLimit limit) throws InterruptedException;

    /**
     * Wakes threads that wait on a word, which was changed before, in any process; all others look again after a slice.
     *
     * @param count how many at most
     */
    public abstract void wake(MemorySegment word, int count);

    /** The mechanism that this process uses. */
    public static Sharing here() {
        Sharing known = chosen;
        return known == null ? choose() : known;
    }

    private static synchronized Sharing choose() {
        Sharing known = chosen;
        if (known == null) {
            known = wanted(System.getProperty(PROPERTY, "auto"));
            chosen = known;
        }
        return known;
    }

    private static Sharing wanted(String mechanism) {
        switch (mechanism) {
            case "auto":
                return Linux.isAvailable() ? new NativeSharing() : new PortableSharing();
            case "portable":
                return new PortableSharing();
            case "native":
                if (Linux.isAvailable()) {
                    return new NativeSharing();
                }
                throw new UnsupportedOperationException("-D" + PROPERTY + "=native needs Linux on x86-64 or AArch64, and the option "
                        + Linux.nativeAccessOption());
            default:
                throw new IllegalArgumentException(
                        PROPERTY + " must be auto, native or portable, was \"" + mechanism + "\"");
        }
    }

    /** Whether this process is to be told apart by what every system says of processes, not by what Linux does. */
    static boolean isForcedPortable() {
        return System.getProperty(PROPERTY, "").equals("portable");
    }

    /**
     * Maps a block that another process made. Checks that it can be one, as its place may have come from anywhere.
     *
     * @param pid the process
     * @param place what {@link Block#place} said there
     * @param size its size
     */
    public static MemorySegment map(long pid, String place, long size, Arena arena) throws IOException {
        return isDescriptor(place)
                ? NativeSharing.map(pid, Integer.parseInt(place), size, arena)
                : MappedFile.map(pid, Path.of(place), size, arena);
    }

    /** Whether a place can be one: the number of a descriptor, or the path of a file. */
    public static boolean isPlace(String place) {
        return isDescriptor(place) || Path.of(place).isAbsolute();
    }

    private static boolean isDescriptor(String place) {
        return place.matches("\\d{1,9}");
    }

    /** Tells, once, what shared memory would gain, and pools of worker processes. */
    public static void tellIfCallsAreMissing() {
        String remedy = isForcedPortable() ? null : Linux.remedy();
        if (remedy != null) {
            Fallbacks.tellOnce(
                    Fallbacks.Missing.NATIVE_CALLS,
                    "no native access: tasks and results of worker processes go over sockets, which takes several times as long, and"
                            + " shared memory is in mapped files, where waits for other processes end up to 10 ms late; "
                            + remedy);
        }
    }
}
