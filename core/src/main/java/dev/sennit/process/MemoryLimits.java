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
    /** The heap's limit in bytes, or 0 for the JVM's default. */
    long heapBytes() {
        return heap == null ? 0 : Sizes.parse("heap", heap);
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
        if (outOfMemory.contains("heap space") || outOfMemory.contains("GC overhead") || outOfMemory.contains("array size")) {
            return "ran out of memory (heap limit " + orDefault(heap) + ")";
        }
        if (outOfMemory.contains("direct buffer memory")) {
            return "ran out of direct buffer memory (limit " + orDefault(direct != null ? direct : heap) + ")";
        }
        if (outOfMemory.contains("Metaspace") || outOfMemory.contains("Compressed class space")) {
            return "ran out of metaspace (limit " + orDefault(metaspace) + ")";
        }
        return "ran out of memory" + (outOfMemory.isEmpty() ? "" : ": " + outOfMemory);
    }

    private static String orDefault(@Nullable String limit) {
        return limit != null ? limit : "the JVM's default";
    }
}
