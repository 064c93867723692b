package dev.sennit.process;

import dev.sennit.internal.Fallbacks;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.Timers;
import dev.sennit.internal.machine.LinuxProcess;
import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An archive of the JDK's classes that workers load (AppCDS), which saves a quarter of a worker's start.
 *
 * <h2>Content</h2>
 *
 * <p>The archive has only classes of the JDK, and classes that the JDK generates for lambdas. So one archive serves all
 * programs, stays valid when they are rebuilt, and works with folders on the class path, which the JVM refuses to
 * archive. With the classes of jars a start would be at most a twentieth faster.
 *
 * <h2>Making it</h2>
 *
 * <ol>
 *   <li>A pool that has had a worker for some seconds, and finds no archive for its JDK and its workers' options,
 *       starts a worker that only lists the classes it loads.
 *   <li>A JVM of lower priority makes an archive of the list, in the user's cache folder. The pool kills this JVM when
 *       the pool closes.
 *   <li>The complete archive gets its name in one step. Workers that start from then on use it.
 * </ol>
 *
 * <h2>Failures</h2>
 *
 * <p>If anything fails - there is no folder or no space, or another JVM makes the archive at this moment - there is no
 * archive, and the pool does not report that. If a worker does not start with the archive, the pool goes on without it;
 * if a worker then starts, the archive was the cause. An empty file marks an archive that was the cause, or that could
 * not be made; the next attempt follows after a day. A JVM that ignores an unsuitable archive uses none at all, not
 * even its default; so the key names everything that an archive depends on.
 */
final class WorkerArchive {
    /** The property that names the folder instead of the user's cache; empty for no archives. */
    static final String FOLDER_PROPERTY = "sennit.cache";

    /** A program that ends earlier makes no archive for later programs. */
    private static final Duration DELAY = Duration.ofSeconds(5);

    /**
     * The process gets a tenth of the time of another process, so that it ends within the limit even on a busy machine.
     */
    private static final String NICENESS = "10";

    private static final Duration DUMP_LIMIT = Duration.ofMinutes(2);
    private static final Duration UNUSED = Duration.ofDays(30);
    private static final Duration BEFORE_NEXT_TRY = Duration.ofDays(1);

    /** With these options a JVM uses no archive, or one of the user. */
    private static final List<String> NO_ARCHIVE = List.of(
            "-agent",
            "-javaagent",
            "-Xrun",
            "-Xshare",
            "-XX:SharedArchiveFile",
            "-XX:ArchiveClassesAtExit",
            "-XX:+AutoCreateSharedArchive",
            "-XX:AOT",
            "-XX:Flags",
            "-XX:DumpLoadedClassList",
            "-Djava.system.class.loader",
            "--patch-module",
            "--limit-modules",
            BorrowedLibrary.MARK);
    /** Options of limits and folders, which do not affect what can be archived. */
    private static final List<String> DOES_NOT_MATTER =
            List.of("-Xmx", "-Xms", "-Xss", "-Xlog", MemoryLimits.SHARE, "-XX:MaxDirectMemorySize",
                    "-XX:MaxMetaspaceSize", "-XX:ErrorFile", "-XX:TieredStopAtLevel");

    /** From this heap size on a JVM has wider references, and another layout of objects. */
    private static final long WIDE_REFERENCES = 32L << 30;

    private static final Pattern OWN_NAME = Pattern.compile("[0-9a-f]{32}(\\.[0-9]+)?\\.(jsa|lock|list|tmp|none)");

    private static final String SMALL_HEAP = "-Xmx512m";
    private static final String USED = "-XX:SharedArchiveFile=";

    private final Path folder;
    private final Path file;
    private final List<String> jvmOptions;

    /**
     * Whether a worker with the archive did not start. Then workers start without it until one is ready, which shows
     * whether the archive was the cause.
     */
    private volatile boolean suspected;

    private final Object lock = new Object();
    /** Guarded by lock. */
    private boolean stopped;
    /** Guarded by lock. */
    private @Nullable Future<?> later;
    /** Guarded by lock. */
    private @Nullable WorkerJvm listing;
    /** Guarded by lock. */
    private @Nullable Process dumping;

    private WorkerArchive(Path folder, List<String> jvmOptions) throws IOException {
        this.folder = folder;
        this.jvmOptions = jvmOptions;
        file = folder.resolve(key(jvmOptions) + ".jsa");
    }

    /** Returns the archive for workers with these arguments; null if they cannot use one. */
    static @Nullable WorkerArchive forWorkers(List<String> arguments, MemoryLimits limits) {
        if (arguments.stream().anyMatch(argument -> NO_ARCHIVE.stream().anyMatch(argument::startsWith))) {
            return null;
        }
        try {
            Path folder = cacheFolder();
            return folder == null ? null : new WorkerArchive(folder, optionsThatMatter(arguments, limits));
        } catch (IOException | RuntimeException e) { // no home, no right to write there
            Fallbacks.tellOnce(
                    Fallbacks.Missing.ARCHIVE,
                    "worker processes start without an archive of the JDK's classes, a quarter slower, as its folder "
                            + "cannot be used: "
                            + Throwables.text(e) + "; name another with -D" + FOLDER_PROPERTY
                            + "=FOLDER, or none with archive=off");
            return null;
        }
    }

    static List<String> optionsThatMatter(List<String> arguments, MemoryLimits limits) {
        List<String> options = new ArrayList<>();
        for (String argument : arguments) {
            boolean isOption = argument.startsWith("-X") || argument.startsWith("--enable-");
            if (isOption && DOES_NOT_MATTER.stream().noneMatch(argument::startsWith)) {
                options.add(argument);
            }
        }
        long heap = limits.heapBytes();
        if (heap > 0) {
            options.add(heap < WIDE_REFERENCES ? SMALL_HEAP : "-Xmx" + heap);
        } else {
            arguments.stream()
                    .filter(argument -> argument.startsWith(MemoryLimits.SHARE))
                    .reduce((first, last) -> last)
                    .map(share -> isSmall(share, LinuxProcess.memoryBytes()) ? SMALL_HEAP : share)
                    .ifPresent(options::add);
        }
        return options;
    }

    /**
     * Returns whether a heap of this share of the memory certainly has narrow references; 0 stands for unknown memory.
     */
    static boolean isSmall(String share, long memory) {
        try {
            double percent = Double.parseDouble(share.substring(MemoryLimits.SHARE.length()));
            return memory > 0 && memory / 100.0 * percent < WIDE_REFERENCES;
        } catch (NumberFormatException e) { // an invalid option of the user, with which no worker starts
            return false;
        }
    }

    /** Returns the folder for archives; null to make none. */
    private static @Nullable Path cacheFolder() throws IOException {
        String given = System.getProperty(FOLDER_PROPERTY);
        String caches = System.getenv("XDG_CACHE_HOME");
        Path folder;
        if (given != null && given.isEmpty()) {
            return null;
        }
        if (given != null) {
            folder = Path.of(given).toAbsolutePath();
        } else if (caches != null && Path.of(caches).isAbsolute()) {
            folder = Path.of(caches, "sennit");
        } else {
            folder = Path.of(System.getProperty("user.home"), ".cache", "sennit");
        }
        if (folder.toString().contains(File.pathSeparator)) { // the option takes two files
            throw new IOException("there is a " + File.pathSeparator + " in " + folder);
        }
        if (!isOurs(folder)) {
            throw new IOException("others than this user own it, or may write to it: " + folder);
        }
        return folder;
    }

    /**
     * Creates the folder if it is missing. Returns whether only this user can write to it, as the archive contains
     * code.
     */
    private static boolean isOurs(Path folder) throws IOException {
        if (!folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createDirectories(folder);
            return true;
        }
        if (!Files.isDirectory(folder)) {
            Files.createDirectories(
                    folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
        var permissions = Files.getPosixFilePermissions(folder);
        return Files.getOwner(folder).getName().equals(System.getProperty("user.name"))
                && !permissions.contains(PosixFilePermission.GROUP_WRITE)
                && !permissions.contains(PosixFilePermission.OTHERS_WRITE);
    }

    private static String key(List<String> jvmOptions) throws IOException {
        String home = System.getProperty("java.home");
        Path jdk = Path.of(home, "lib", "modules");
        var text = String.join(
                "\n",
                home,
                System.getProperty("java.vm.name"),
                System.getProperty("java.vm.version"),
                Files.size(jdk) + " " + Files.getLastModifiedTime(jdk).toMillis(),
                String.join("\n", jvmOptions));
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has it", e);
        }
    }

    /** Returns the file of the archive, which may not exist yet. */
    Path file() {
        return file;
    }

    /** Returns the arguments of a worker that starts now, with the archive if there is one. */
    List<String> addTo(List<String> arguments) {
        if (suspected || !exists()) {
            return arguments;
        }
        List<String> added = new ArrayList<>(List.of(
                USED + file, "-Xshare:auto", "-Xlog:cds*=off,aot*=off,class+path*=off"));
        added.addAll(arguments); // options of the user come later, and override these
        return added;
    }

    /** Returns whether a worker with these arguments starts from an archive of Sennit. */
    static boolean isIn(List<String> arguments) {
        return arguments.getFirst().startsWith(USED);
    }

    private boolean exists() {
        try {
            return Files.size(file) > 0;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Notes that a worker with the archive ended before it was ready: because of the archive, or of an option, a limit
     * or a file of the user.
     */
    void suspect() {
        suspected = true;
    }

    /**
     * Notes that a worker is ready. If it has the archive, the archive was not the cause of earlier failures; if not,
     * it was.
     */
    void judge(boolean workerHasIt) {
        if (suspected) {
            if (!workerHasIt && exists()) {
                forbid();
            }
            suspected = false;
        }
    }

    private void forbid() {
        try {
            Path empty = Files.write(sibling("." + ProcessHandle.current().pid() + ".none"), new byte[0]);
            Files.move(empty, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            // then the archive is tried again
        }
    }

    // ---- making it ----

    /** Makes the archive after a while, if there is none. Called when the pool has a worker. */
    void makeLater(ProcessPool pool) {
        if (exists()) {
            touch();
            return;
        }
        synchronized (lock) {
            try {
                later = stopped ? null : Timers.after(DELAY, () -> makeFor(pool));
            } catch (Throwable e) { // no thread available: workers start without it
                later = null;
            }
        }
    }

    /** Makes the archive while the pool is open. The pool does not end before this method returns. */
    void makeFor(ProcessPool pool) {
        if (pool.archiveBegins()) {
            try {
                make(pool, true);
            } finally {
                pool.slotGone();
            }
        }
    }

    /** Sets the time of the file, so that it does not count as unused. */
    private void touch() {
        try {
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
        } catch (IOException e) {
            // it was deleted
        }
    }

    /** Makes the archive now, unless another process is making it. */
    void make(ProcessPool pool) {
        make(pool, false);
    }

    private void make(ProcessPool pool, boolean inBackground) {
        try (FileChannel channel = FileChannel.open(
                sibling(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock ours = channel.tryLock()) {
            if (ours != null && !exists() && !wasTriedLately()) {
                makeAlone(pool, inBackground);
            }
        } catch (IOException | RuntimeException e) {
            // it cannot be made; or another pool of this JVM makes it: OverlappingFileLockException
        }
    }

    private boolean wasTriedLately() throws IOException {
        return Files.exists(file)
                && Files.getLastModifiedTime(file).toInstant().isAfter(Instant.now().minus(BEFORE_NEXT_TRY));
    }

    private void makeAlone(ProcessPool pool, boolean inBackground) throws IOException {
        removeUnused();
        long pid = ProcessHandle.current().pid(); // a dump may outlive a JVM that is killed
        Path list = sibling("." + pid + ".list");
        Path unfinished = sibling("." + pid + ".tmp");
        try {
            if (list(pool, list) && dump(list, unfinished, inBackground)) {
                Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
            }
        } finally {
            Files.deleteIfExists(list);
            Files.deleteIfExists(unfinished);
        }
    }

    private Path sibling(String end) {
        return folder.resolve(file.getFileName().toString().replace(".jsa", end));
    }

    void removeUnused() throws IOException {
        Instant before = Instant.now().minus(UNUSED);
        try (var files = Files.newDirectoryStream(folder)) {
            for (Path old : files) {
                boolean ours = OWN_NAME.matcher(old.getFileName().toString()).matches(); // users choose the folder
                if (ours && Files.getLastModifiedTime(old).toInstant().isBefore(before)) {
                    Files.deleteIfExists(old);
                }
            }
        }
    }

    /** Starts a worker that lists the classes it loads from its start to the end of a task. */
    private boolean list(ProcessPool pool, Path list) throws IOException {
        WorkerJvm worker;
        synchronized (lock) {
            if (stopped) {
                return false;
            }
            worker = pool.newWorker("-XX:DumpLoadedClassList=" + list);
            listing = worker;
        }
        try {
            if (!worker.awaitReady()
                    || !worker.initialize(new Initializer(WorkerArchive::exercise, pool.allowed()), pool.allowed())) {
                return false;
            }
            worker.quit();
            return worker.awaitExit() == 0;
        } finally {
            worker.kill();
            worker.bury();
        }
    }

    /** Typical work of tasks: lambdas, text, streams. */
    private static void exercise() {
        List<String> texts = List.of(1, 2).stream().map(number -> "number " + number).toList();
        if (texts.size() != 2) {
            throw new IllegalStateException(String.join(", ", texts));
        }
    }

    private boolean dump(Path list, Path unfinished, boolean inBackground) throws IOException {
        List<String> command = new ArrayList<>();
        if (inBackground && Files.isExecutable(Path.of("/usr/bin/nice"))) {
            command.addAll(List.of("/usr/bin/nice", "-n", NICENESS));
        }
        command.add(WorkerCommand.java());
        command.addAll(jvmOptions);
        command.addAll(List.of("-Xshare:dump", "-XX:SharedClassListFile=" + list, USED + unfinished));
        var builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        WorkerCommand.removeOptions(builder.environment());
        builder.environment().remove("CLASSPATH");
        Process process;
        synchronized (lock) {
            if (stopped) {
                return false;
            }
            process = builder.start();
            dumping = process;
        }
        try {
            if (!process.waitFor(DUMP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                return false;
            }
            int exitCode = process.exitValue();
            if (exitCode != 0 && !WorkerCrashedException.wasKilledByAnother(exitCode)) {
                forbid();
            }
            return exitCode == 0 && Files.size(unfinished) > 0;
        } catch (InterruptedException e) {
            throw new AssertionError("nobody knows this thread", e);
        } finally {
            process.destroyForcibly();
        }
    }

    /** Ends the processes that make the archive, as the pool closes. */
    void stop() {
        synchronized (lock) {
            stopped = true;
            if (later != null) {
                later.cancel(false);
            }
            if (listing != null) {
                listing.kill();
            }
            if (dumping != null) {
                dumping.destroyForcibly();
            }
        }
    }
}
