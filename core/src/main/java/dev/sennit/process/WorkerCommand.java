package dev.sennit.process;

import dev.sennit.WorkerStartException;
import dev.sennit.codec.CompactForm.RecordForm;
import dev.sennit.codec.Family;
import dev.sennit.internal.Linux;
import java.io.File;
import java.io.IOException;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The command line of a worker JVM: this JVM's class path and module graph, rebuilt, and the worker's own limits.
 *
 * <p>Taken over from this JVM are system properties given on its command line, assertions, the options that change
 * modules ({@code --add-opens} and its kin), and the default time zone and locale. Agents are where that is asked for,
 * but no debugger: its port cannot be opened twice. Heap sizes and garbage collectors are not: each worker has a share
 * of the memory. A worker gets options of its own from {@link ProcessPool.Builder#jvmOptions}, which come last and so
 * win.
 *
 * <p>The arguments go into a file that only this user can read, so that they may be of any length and do not show up in
 * process listings. What shows up there is the main class and the worker's name.
 */
final class WorkerCommand {
    private static final List<String> TAKEN_OVER = List.of(
            "-D",
            "-ea",
            "-da",
            "-esa",
            "-dsa",
            "-enableassertions",
            "-disableassertions",
            "--add-exports",
            "--add-opens",
            "--add-reads",
            "--patch-module",
            "--limit-modules",
            "--enable-native-access",
            "--illegal-native-access",
            "--sun-misc-unsafe-memory-access",
            "--enable-preview",
            "-XX:-UsePerfData"); // else jps sees workers, as it sees any JVM
    /** A program that is short has the quick compiler alone. So are a pool's workers; others may run for long. */
    private static final String COMPILERS = "-XX:TieredStopAtLevel=";
    /**
     * A second JVM cannot have these: ports, and files that the first writes; nor the launcher's words for the main
     * module.
     */
    private static final List<String> NOT_TAKEN_OVER = List.of("-Dcom.sun.management.jmxremote", "-Djdk.module.");

    /** The collector that is smallest and quickest to start; one that the user names takes its place. */
    private static final String COLLECTOR = "-XX:+UseSerialGC";

    private static final String SIGNALS = "jdk.unsupported";
    private static final List<String> AGENTS = List.of("-javaagent:", "-agentpath:", "-agentlib:");
    private static final String DEBUGGER = "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:0";

    /** Gone when out of memory, no large files left behind. {@code jvmOptions} may say otherwise. */
    private static final List<String> DEFAULTS = List.of(
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:-CreateCoredumpOnCrash");

    private WorkerCommand() {}

    /** The arguments of a pool's worker, up to its main class. */
    static List<String> arguments(WorkerSettings settings) {
        return arguments(settings, WorkerMain.class);
    }

    /** The arguments up to a main class of this package. */
    static List<String> arguments(WorkerSettings settings, Class<?> main) {
        List<String> arguments = new ArrayList<>(DEFAULTS);
        if (settings.jvmOptions().stream().noneMatch(option -> option.matches("-XX:\\+Use\\w+GC"))) {
            arguments.add(COLLECTOR);
        }
        if (main == WorkerMain.class) {
            LaunchOptions.ofThisJvm().stream().filter(option -> option.startsWith(COMPILERS)).forEach(arguments::add);
        }
        arguments.add("-XX:ErrorFile=" + crashLogPattern());
        List<String> takenOver = takenOver();
        arguments.addAll(takenOver);
        arguments.addAll(LaunchOptions.forWorker(takenOver));
        arguments.add(Family.option());
        boolean borrows = settings.classPath().isEmpty() && BorrowedLibrary.isNeeded();
        if (Linux.isAvailable()) { // this JVM may have it from a manifest
            arguments.add(borrows ? Linux.NATIVE_ACCESS_OF_UNNAMED : Linux.nativeAccessOption());
        }
        arguments.addAll(RunTimeSettings.zone(settings.environment()));
        arguments.addAll(RunTimeSettings.locales(settings.environment()));
        if (settings.inheritsProperties()) {
            arguments.addAll(RunTimeSettings.properties());
        }
        if (settings.inheritsAgents()) {
            arguments.addAll(agents(LaunchOptions.ofThisJvm()));
        }
        if (settings.isDebugged()) {
            arguments.add(DEBUGGER);
        }
        arguments.addAll(settings.limits().jvmOptions());
        if (settings.limits().heap() == null) {
            arguments.add(MemoryLimits.share(settings.processes()));
        }
        if (settings.output() != WorkerOutput.INHERIT) {
            arguments.add("-Dstdout.encoding=UTF-8");
            arguments.add("-Dstderr.encoding=UTF-8");
        }
        arguments.addAll(settings.jvmOptions());
        if (borrows) {
            arguments.addAll(BorrowedLibrary.arguments(main));
        } else {
            arguments.addAll(
                    settings.classPath().isEmpty() ? ownPaths(main) : givenClassPath(settings.classPath(), main));
        }
        return arguments;
    }

    /**
     * Writes the arguments to a file, and returns the command that uses them; the caller adds the worker's own. The
     * main class is not in the file: {@code ps} shows it, and after it the worker's name.
     */
    static List<String> write(List<String> arguments, Path argumentFile) throws IOException {
        List<String> written = BorrowedLibrary.placedIn(argumentFile.resolveSibling(""), arguments);
        int last = written.size() - 1;
        int main = last > 0 && written.get(last - 1).equals("--module") ? last - 1 : last;
        Files.write(argumentFile, written.subList(0, main).stream().map(WorkerCommand::quoted).toList());
        List<String> command = new ArrayList<>(List.of(java(), "@" + argumentFile));
        command.addAll(written.subList(main, last + 1));
        return command;
    }

    /** This JVM's own launcher. */
    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /**
     * Checks that there is a launcher: jpackage makes runtime images without.
     *
     * @throws WorkerStartException that says what to do
     */
    static void ensureLauncher() {
        ensureLauncherIn(Path.of(System.getProperty("java.home")));
    }

    static void ensureLauncherIn(Path home) {
        Path folder = home.resolve("bin");
        if (!Files.exists(folder.resolve("java")) && !Files.exists(folder.resolve("java.exe"))) {
            throw new WorkerStartException(
                    "worker processes need the java launcher, and this runtime image has none in " + folder
                            + ": make it without --strip-native-commands; with jpackage, that is"
                            + " --jlink-options \"--strip-debug --no-man-pages --no-header-files\"",
                    null);
        }
    }

    /**
     * Takes out of a worker's environment what the launcher would take as options. What they say has been taken over
     * from this JVM already, and the launcher would announce them on each start.
     */
    static void removeOptions(Map<String, String> environment) {
        environment.keySet().removeAll(List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"));
    }

    /** Where a worker that crashes writes its report; %p is its pid. */
    private static String crashLogPattern() {
        return Path.of(System.getProperty("java.io.tmpdir"), "sennit-worker-%p-crash.log").toAbsolutePath().toString();
    }

    static Path crashLog(long pid) {
        return Path.of(crashLogPattern().replace("%p", Long.toString(pid)));
    }

    private static List<String> takenOver() {
        List<String> options = new ArrayList<>();
        for (String option : LaunchOptions.ofThisJvm()) {
            if (TAKEN_OVER.stream().anyMatch(option::startsWith)
                    && NOT_TAKEN_OVER.stream().noneMatch(option::startsWith)) {
                options.add(option);
            }
        }
        options.addAll(LaunchOptions.ofManifest());
        return options;
    }

    private static List<String> ownPaths(Class<?> main) {
        List<String> arguments = new ArrayList<>();
        String classPath = System.getProperty("java.class.path", "");
        if (!classPath.isEmpty()) {
            arguments.add("--class-path");
            arguments.add(absolute(classPath));
        }
        String modulePath = System.getProperty("jdk.module.path");
        if (modulePath != null) {
            arguments.add("--module-path");
            arguments.add(absolute(modulePath));
        }
        Module library = WorkerMain.class.getModule();
        if (library.isNamed() || choosesModules()) { // else it costs a worker's start time for nothing
            arguments.add("--add-modules");
            arguments.add(String.join(",", modules()));
        }
        if (library.isNamed()) {
            arguments.add("--module");
            arguments.add(library.getName() + "/" + main.getName());
        } else {
            arguments.add(main.getName());
        }
        return arguments;
    }

    /** The agents among the options of this JVM; a worker may have another working directory. */
    static List<String> agents(List<String> options) {
        List<String> agents = new ArrayList<>();
        for (String option : options) {
            boolean debugs =
                    option.startsWith("-agentlib:jdwp") || option.matches("-agentpath:([^=]*/)?[^/=]*jdwp[^/=]*(=.*)?");
            if (AGENTS.stream().anyMatch(option::startsWith) && !debugs) {
                agents.add(option.startsWith("-javaagent:") ? withAbsolutePath(option) : option);
            }
        }
        return agents;
    }

    private static String withAbsolutePath(String agent) {
        int colon = agent.indexOf(':') + 1;
        int equals = agent.indexOf('=');
        int end = equals < 0 ? agent.length() : equals;
        return agent.substring(0, colon) + Path.of(agent.substring(colon, end)).toAbsolutePath() + agent.substring(end);
    }

    private static boolean choosesModules() {
        return LaunchOptions.ofThisJvm().stream()
                .anyMatch(option -> option.startsWith("--add-modules"));
    }

    /**
     * Every module that this JVM resolved, so that the worker resolves the same; and the one by which it leaves signals
     * to its parent.
     */
    private static List<String> modules() {
        Set<String> names = new TreeSet<>();
        ModuleLayer.boot().modules().forEach(module -> names.add(module.getName()));
        if (ModuleFinder.ofSystem().find(SIGNALS).isPresent() && !limitsModules()) {
            names.add(SIGNALS);
        }
        return List.copyOf(names);
    }

    /** Whether modules are hidden that the runtime image has: to add one of those is an error. */
    private static boolean limitsModules() {
        return LaunchOptions.ofThisJvm().stream().anyMatch(option -> option.startsWith("--limit-modules"));
    }

    private static List<String> givenClassPath(List<Path> classPath, Class<?> main) {
        List<String> parts = classPath.stream().map(part -> part.toAbsolutePath().toString()).toList();
        List<String> arguments = new ArrayList<>();
        if (ModuleLayer.boot().modules().stream().anyMatch(WorkerCommand::hidesRecords)) {
            arguments.add("-D" + RecordForm.PROPERTY + "=" + RecordForm.SERIALIZED);
        }
        arguments.addAll(List.of("--class-path", String.join(File.pathSeparator, parts), main.getName()));
        return arguments;
    }

    /** Whether there may be classes in a module here that are open where a class path is all that there is. */
    private static boolean hidesRecords(Module module) {
        ClassLoader loader = module.getClassLoader();
        return loader != null
                && loader != ClassLoader.getPlatformClassLoader()
                && module != WorkerCommand.class.getModule()
                && !module.getDescriptor().isOpen()
                && !module.getDescriptor().isAutomatic();
    }

    /** A worker may have another working directory. An empty part means this one. */
    private static String absolute(String path) {
        List<String> parts = new ArrayList<>();
        for (String part : path.split(File.pathSeparator, -1)) {
            parts.add(Path.of(part).toAbsolutePath().toString());
        }
        return String.join(File.pathSeparator, parts);
    }

    /** As the java launcher reads argument files. */
    private static String quoted(String argument) {
        return '"'
                + argument.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\r", "\\r")
                + '"';
    }
}
