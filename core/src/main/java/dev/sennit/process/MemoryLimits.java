package dev.sennit.process;

import dev.sennit.internal.Sizes;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How much memory of each sort a worker may use, as the user wrote it; null where the JVM's own default holds.
 *
 * @param heap objects
 * @param direct direct buffers
 * @param metaspace classes
 */
record MemoryLimits(@Nullable String heap, @Nullable String direct, @Nullable String metaspace) {
    private static final String A_SHARE = "its share of this machine's memory; heap= sets another";

    /** How the option begins that gives a heap as a share of the memory. */
    static final String SHARE = "-XX:MaxRAMPercentage=";

    /** The heap's limit in bytes, or 0 for the JVM's default. */
    long heapBytes() {
        return heap == null ? 0 : Sizes.parse("heap", heap);
    }

    /** All workers together get half of the memory that there is, and none gets more than a JVM by itself takes. */
    private static final double ALL_WORKERS = 50;

    private static final double ONE_JVM = 25;
    /** Of more workers than a machine has memory for. */
    private static final double LEAST = 0.01;

    /**
     * The heap of a worker that was given none. The JVM knows what memory there is, that of its container if that has
     * less; and of a small share it makes some 126 MB all the same.
     *
     * @param processes how many share it
     */
    static String share(long processes) {
        double percent = Math.clamp(ALL_WORKERS / processes, LEAST, ONE_JVM);
        return SHARE + Math.floor(percent * 100) / 100;
    }

    /** Those that the JVM itself keeps. */
    List<String> jvmOptions() {
        List<String> options = new ArrayList<>();
        if (heap != null) {
            options.add("-Xmx" + heap);
        }
        if (direct != null) {
            options.add("-XX:MaxDirectMemorySize=" + direct);
        }
        if (metaspace != null) {
            options.add("-XX:MaxMetaspaceSize=" + metaspace);
        }
        return options;
    }

    /**
     * What a worker ran out of.
     *
     * @param outOfMemory what the JVM says of it: the text of its {@link OutOfMemoryError}
     * @return such as "ran out of metaspace (limit 16m)"
     */
    String describe(String outOfMemory) {
        if (outOfMemory.contains("heap space") || outOfMemory.contains("GC overhead")
                || outOfMemory.contains("array size")) {
            return "ran out of memory (heap limit " + (heap != null ? heap : A_SHARE) + ")";
        }
        if (outOfMemory.contains("direct buffer memory")) {
            String limit = direct != null ? direct : heap; // as much as the heap
            return "ran out of direct buffer memory (limit " + (limit != null ? limit : A_SHARE) + ")";
        }
        if (outOfMemory.contains("Metaspace") || outOfMemory.contains("Compressed class space")) {
            return "ran out of metaspace (limit " + (metaspace != null ? metaspace : "the JVM's default") + ")";
        }
        return "ran out of memory" + (outOfMemory.isEmpty() ? "" : ": " + outOfMemory);
    }
}
