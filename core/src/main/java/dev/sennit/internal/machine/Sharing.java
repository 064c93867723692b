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
 * The mechanism by which this process creates blocks of shared memory, and waits on a word of a block. A process
 * chooses it once.
 *
 * <p>Processes with different mechanisms work together: the place of a block tells how to map it, and every wait ends
 * by itself after a slice of some milliseconds, so that it does not depend on a wake-up.
 */
public abstract sealed class Sharing permits NativeSharing, PortableSharing {
    /** Which mechanism to use: auto, native or portable. */
    static final String PROPERTY = "sennit.shared-memory";

    /** How often a waiting thread checks other processes, and how late it may notice a time limit or a death. */
    public static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(3);

    /** Written once, with the class's lock. */
    private static volatile @Nullable Sharing chosen;

    /** The memory of a block, in the process that creates it. */
    public interface Block extends AutoCloseable {
        /** Returns the place from which another process can {@linkplain #map(long, String, long, Arena) map} it. */
        String place();

        /**
         * Maps it.
         *
         * @param arena the lifetime of the mapping
         */
        MemorySegment map(Arena arena) throws IOException;

        /**
         * Maps it until an arena is closed or, if the mechanism can detect that, all its segments are unreachable.
         *
         * @param users a fresh shared arena, whose scope the segment gets
         */
        MemorySegment mapUntilClosedOrLost(Arena users) throws IOException;

        /**
         * Closes it: no other process can map it any more. May be called again, to delete a file that was mapped
         * before.
         */
        @Override
        void close();
    }

    /** Creates a block, filled with zeros. Untouched pages take no memory. */
    public abstract Block create(long size) throws IOException;

    /**
     * Waits until a word has changed, but no longer than a slice. May return spuriously. Does not pin the carrier of a
     * virtual thread.
     *
     * @param word 4 bytes, aligned
     * @param expected returns at once if the word has another value
     * @param limit the limit of the whole wait
     * @throws InterruptedException if the thread is interrupted before or during the wait
     */
    public abstract void await(MemorySegment word, int expected, WaitLimit limit) throws InterruptedException;

    /**
     * Wakes threads, in any process, that wait on a word that was changed before; all others check it again after a
     * slice.
     *
     * @param count how many threads to wake at most
     */
    public abstract void wake(MemorySegment word, int count);

    /** Returns the mechanism that this process uses. */
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
                throw new UnsupportedOperationException(
                        "-D" + PROPERTY + "=native needs Linux on x86-64 or AArch64, and the option "
                                + Linux.nativeAccessOption());
            default:
                throw new IllegalArgumentException(
                        PROPERTY + " must be auto, native or portable, was \"" + mechanism + "\"");
        }
    }

    /** Returns whether {@link #PROPERTY} forces the portable mechanism. */
    static boolean isForcedPortable() {
        return System.getProperty(PROPERTY, "").equals("portable");
    }

    /**
     * Maps a block that another process created. Checks that it can be a block, as its place may be from an untrusted
     * source.
     *
     * @param pid the process
     * @param place the {@link Block#place} in that process
     * @param size its size
     */
    public static MemorySegment map(long pid, String place, long size, Arena arena) throws IOException {
        return isDescriptor(place)
                ? NativeSharing.map(pid, Integer.parseInt(place), size, arena)
                : MappedFile.map(pid, Path.of(place), size, arena);
    }

    /** Returns whether a text has the form of a place: the number of a descriptor, or the path of a file. */
    public static boolean isPlace(String place) {
        return isDescriptor(place) || Path.of(place).isAbsolute();
    }

    private static boolean isDescriptor(String place) {
        return place.matches("\\d{1,9}");
    }

    /** Logs, once, what shared memory and pools of worker processes lose without native calls. */
    public static void tellIfCallsAreMissing() {
        String remedy = isForcedPortable() ? null : Linux.remedy();
        if (remedy != null) {
            Fallbacks.tellOnce(
                    Fallbacks.Missing.NATIVE_CALLS,
                    "no native access: tasks and results of worker processes go over sockets, which takes several "
                            + "times as long, and shared memory is in mapped files, where waits for other processes "
                            + "end up to 10 ms late; "
                            + remedy);
        }
    }
}
