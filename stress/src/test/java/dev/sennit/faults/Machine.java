package dev.sennit.faults;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What Linux shows of processes and of the memory they share. */
final class Machine {
    private static final Path PROC = Path.of("/proc");
    private static final String MEMORY_FILE = "/memfd:";
    private static final int INODE_COLUMN = 4;

    private Machine() {}

    /** The workers that this JVM has started and that are alive. */
    static List<ProcessHandle> workers() {
        return ProcessHandle.current()
                .children()
                .filter(child -> child.info().commandLine().orElse("").contains("sennit-"))
                .filter(ProcessHandle::isAlive)
                .toList();
    }

    /**
     * The processes, this one aside, whose environment holds a text. One that has ended and was not waited for is none.
     */
    static List<Long> withEnvironment(String text) throws IOException {
        List<Long> pids = new ArrayList<>();
        for (long pid : pids()) {
            if (pid != ProcessHandle.current().pid() && read(PROC.resolve(pid + "/environ")).contains(text)) {
                pids.add(pid);
            }
        }
        return pids;
    }

    /** The inodes of the memory files that a process has open or mapped. */
    static Set<Long> memoryFiles(long pid) throws IOException {
        Set<Long> inodes = new HashSet<>();
        for (Path descriptor : list(PROC.resolve(pid + "/fd"))) {
            try {
                if (Files.readSymbolicLink(descriptor).toString().startsWith(MEMORY_FILE)) {
                    inodes.add((Long) Files.getAttribute(descriptor, "unix:ino"));
                }
            } catch (IOException e) {
                // closed meanwhile
            }
        }
        for (String line : read(PROC.resolve(pid + "/maps")).split("\n")) {
            if (line.contains(MEMORY_FILE)) {
                inodes.add(Long.parseLong(line.split("\\s+")[INODE_COLUMN]));
            }
        }
        return inodes;
    }

    /** The processes that have one of these memory files. */
    static List<Long> withMemoryFiles(Set<Long> inodes) throws IOException {
        List<Long> holders = new ArrayList<>();
        for (long pid : pids()) {
            Set<Long> its = memoryFiles(pid);
            its.retainAll(inodes);
            if (!its.isEmpty()) {
                holders.add(pid);
            }
        }
        return holders;
    }

    static void signal(String name, long pid) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor(); // one that has ended gets none
    }

    private static List<Long> pids() throws IOException {
        return list(PROC).stream()
                .map(entry -> entry.getFileName().toString())
                .filter(name -> name.chars().allMatch(Character::isDigit))
                .map(Long::valueOf)
                .toList();
    }

    private static List<Path> list(Path folder) {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            stream.forEach(files::add);
        } catch (IOException | DirectoryIteratorException e) {
            // ended meanwhile, or somebody else's
        }
        return files;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // ended meanwhile, or somebody else's
        }
    }
}
