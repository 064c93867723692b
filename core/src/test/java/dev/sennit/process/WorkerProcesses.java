package dev.sennit.process;

import java.util.List;

/** The worker processes of this JVM's pools, as the operating system shows them. */
final class WorkerProcesses {
    private WorkerProcesses() {}

    static List<ProcessHandle> ofThisJvm() {
        return of(ProcessHandle.current());
    }

    static List<ProcessHandle> of(ProcessHandle parent) {
        return parent.children()
                .filter(child -> child.info().commandLine().orElse("").contains("sennit-"))
                .filter(ProcessHandle::isAlive)
                .toList();
    }
}
