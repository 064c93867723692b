package dev.sennit.service;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

/** The processes of one test, known by a variable of their environment, which all that they start inherit. */
final class MarkedProcesses {
    private final String mark;

    MarkedProcesses() {
        this(UUID.randomUUID().toString());
    }

    MarkedProcesses(String mark) {
        this.mark = mark;
    }

    String mark() {
        return mark;
    }

    Map<String, String> environment() {
        return Map.of("SENNIT_MARK", mark);
    }

    /** Those that live; a zombie does not. */
    List<String> alive() {
        try (Stream<Path> all = Files.list(Path.of("/proc"))) {
            return all.filter(process -> process.getFileName().toString().matches("\\d+"))
                    .filter(process -> read(process.resolve("environ")).contains("SENNIT_MARK=" + mark))
                    .map(process -> process.getFileName() + " "
                            + read(process.resolve("cmdline")).replace('\0', ' ').strip().replaceFirst("(?s).*\n", ""))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends those that a failed test has left. */
    void kill() {
        for (String process : alive()) {
            ProcessHandle.of(Long.parseLong(process.substring(0, process.indexOf(' '))))
                    .ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    /** Empty once it has ended. */
    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }
}
