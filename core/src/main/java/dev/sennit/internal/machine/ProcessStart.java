package dev.sennit.internal.machine;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Starts processes, and none where file descriptors run out.
 *
 * <p>A start that finds too few descriptors half way does harm. JDK 25 closes descriptor 0 then, whatever that is: once
 * standard input is closed, the next file or socket that is opened gets the number, and the next failed start closes
 * that. So this class looks before. Only Linux tells how many there are.
 */
public final class ProcessStart {
    /** The JDK has five pipes, and its helper loads a library. */
    private static final int OF_START = 12;
    /** Whoever starts a process opens connections to it. */
    private static final int SPARE = 12;

    private static final boolean IS_LINUX = System.getProperty("os.name", "").equals("Linux");
    private static final Path LIMITS = Path.of("/proc/self/limits");
    private static final String LIMIT = "Max open files";

    /** The starts that are under way, each of which may open some. */
    private static final AtomicInteger UNDER_WAY = new AtomicInteger();

    private ProcessStart() {}

    /**
     * Starts a process.
     *
     * @throws IOException as {@link ProcessBuilder#start} does, and where there are too few descriptors
     */
    public static Process start(ProcessBuilder process) throws IOException {
        int starts = UNDER_WAY.incrementAndGet();
        try {
            ensureDescriptors(OF_START * starts + SPARE);
            return process.start();
        } finally {
            UNDER_WAY.decrementAndGet();
        }
    }

    /**
     * Does nothing if a process can be started, as far as descriptors matter.
     *
     * @throws IOException if there are too few
     */
    public static void ensureDescriptors() throws IOException {
        ensureDescriptors(OF_START * (UNDER_WAY.get() + 1) + SPARE);
    }

    private static void ensureDescriptors(int needed) throws IOException {
        if (!IS_LINUX) {
            return;
        }
        String[] open = new File("/proc/self/fd").list();
        if (open == null) { // there is none for the list, or the list is not for this user
            new FileInputStream("/dev/null").close();
            return;
        }
        long limit = limit();
        if (limit - open.length < needed) {
            throw new IOException("Too many open files: the start of a process needs " + needed
                    + " descriptors, and of " + limit + " there are " + (limit - open.length)
                    + "; raise the limit (ulimit -n), or close files");
        }
    }

    /** The most descriptors that this process may have. */
    private static long limit() throws IOException {
        for (String line : Files.readAllLines(LIMITS)) {
            if (line.startsWith(LIMIT)) {
                String soft = line.substring(LIMIT.length()).strip().split(" ")[0];
                return soft.equals("unlimited") ? Integer.MAX_VALUE : Long.parseLong(soft);
            }
        }
        return Integer.MAX_VALUE;
    }
}
