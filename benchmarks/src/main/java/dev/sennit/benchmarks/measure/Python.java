package dev.sennit.benchmarks.measure;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A Python on this machine.
 *
 * @param command its file
 * @param version such as 3.11.7
 * @param joblib the version of joblib, which brings loky, or empty
 * @param futurist the version of futurist, or empty
 * @param uvloop the version of uvloop, or empty
 * @param pillow the version of Pillow, or empty
 * @param cotyledon the version of Cotyledon, or empty
 */
public record Python(
        Path command,
        String version,
        String joblib,
        String futurist,
        String uvloop,
        String pillow,
        String cotyledon) {
    private static final String ASK =
            """
            import importlib.metadata, platform
            def version(name):
                try:
                    return importlib.metadata.version(name)
                except importlib.metadata.PackageNotFoundError:
                    return ''
            versions = map(version, ('joblib', 'futurist', 'uvloop', 'Pillow', 'cotyledon'))
            print(platform.python_version(), *versions, sep='|')
            """;

    /** The system's, for which joblib comes as a package; otherwise the first on PATH. */
    public static Optional<Python> find() throws InterruptedException {
        List<Path> candidates = new ArrayList<>(List.of(Path.of("/usr/bin/python3")));
        for (String folder : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
            if (!folder.isEmpty()) {
                candidates.add(Path.of(folder, "python3"));
            }
        }
        for (Path candidate : candidates) {
            if (Files.isExecutable(candidate)) {
                Optional<Python> python = ask(candidate);
                if (python.isPresent()) {
                    return python;
                }
            }
        }
        return Optional.empty();
    }

    private static Optional<Python> ask(Path command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command.toString(), "-c", ASK)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
            String[] parts = answer.split("\\|", -1);
            return process.waitFor() == 0 && parts.length == 6
                    ? Optional.of(new Python(command, parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    public boolean hasLoky() {
        return !joblib.isEmpty();
    }

    public boolean hasFuturist() {
        return !futurist.isEmpty();
    }

    public boolean hasUvloop() {
        return !uvloop.isEmpty();
    }

    public boolean hasPillow() {
        return !pillow.isEmpty();
    }

    public boolean hasCotyledon() {
        return !cotyledon.isEmpty();
    }

    String describe() {
        return "Python " + version + (hasLoky() ? ", joblib " + joblib : "")
                + (hasFuturist() ? ", futurist " + futurist : "")
                + (hasUvloop() ? ", uvloop " + uvloop : "")
                + (hasPillow() ? ", Pillow " + pillow : "")
                + (hasCotyledon() ? ", Cotyledon " + cotyledon : "");
    }

    /** Starts a peer; see peer.py for the kinds. */
    public Peer open(Path folder, String kind) throws IOException {
        String script = folder.resolve("peer.py").toString();
        return Peer.start("Python, " + kind, List.of(command.toString(), "-B", script, kind));
    }
}
