package dev.sennit.process;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The worker processes of this JVM's pools, as the operating system shows them. */
public final class WorkerProcesses {
    private WorkerProcesses() {}

    /** How a program starts as a worker would; more can be added, before it is {@linkplain #write written}. */
    public static List<String> arguments(Class<?> main) {
        return WorkerCommand.arguments(ProcessPool.builder().workerSettings(), main);
    }

    /** The command with these arguments, which a file holds. */
    public static List<String> write(List<String> arguments, Path file) throws IOException {
        return WorkerCommand.write(arguments, file);
    }

    public static String java() {
        return WorkerCommand.java();
    }

    public static List<ProcessHandle> ofThisJvm() {
        return of(ProcessHandle.current());
    }

    public static List<ProcessHandle> of(ProcessHandle parent) {
        return parent.children()
                .filter(child -> child.info().commandLine().orElse("").contains("sennit-"))
                .filter(ProcessHandle::isAlive)
                .toList();
    }
}
