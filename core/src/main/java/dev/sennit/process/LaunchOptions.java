package dev.sennit.process;

import dev.sennit.internal.Management;
import java.io.File;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import org.jspecify.annotations.Nullable;

/**
 * The options that this JVM was started with: as {@code java.management} tells them; in a runtime image without that
 * module, as they can be read off the command line and the environment, or as the parent of a worker has told it.
 */
final class LaunchOptions {
    /** What a worker is told where it could not find them: its argument file is gone once it is up. */
    private static final String PROPERTY = "sennit.options";

    private static final String SEPARATOR = "\u001f";

    /** What comes as {@code --name value} or {@code --name=value}, and reaches the JVM as the latter. */
    private static final Set<String> WITH_VALUE = Set.of(
            "--upgrade-module-path",
            "--add-modules",
            "--enable-native-access",
            "--limit-modules",
            "--add-exports",
            "--add-opens",
            "--add-reads",
            "--patch-module");
    /** What is the launcher's own, with the word behind it. */
    private static final Set<String> OF_LAUNCHER =
            Set.of("-cp", "-classpath", "--class-path", "-p", "--module-path", "--source");
    /** Behind them is the program. */
    private static final Set<String> PROGRAM = Set.of("-jar", "-m", "--module");

    private LaunchOptions() {}

    /** Those of this JVM. */
    static List<String> ofThisJvm() {
        List<String> told = Management.options();
        if (told != null) {
            return told;
        }
        String fromParent = System.getProperty(PROPERTY);
        if (fromParent != null) {
            return List.of(fromParent.split(SEPARATOR));
        }
        List<String> words = words(System.getenv("JDK_JAVA_OPTIONS"), false);
        words.addAll(commandLine());
        List<String> options = words(System.getenv("JAVA_TOOL_OPTIONS"), false);
        options.addAll(of(words));
        options.addAll(words(System.getenv("_JAVA_OPTIONS"), false));
        return options;
    }

    /**
     * What the manifest of a program that {@code java -jar} started says to the launcher, which for workers reads none.
     */
    static List<String> ofManifest() {
        String jar = System.getProperty("java.class.path", "");
        String command = System.getProperty("sun.java.command", "");
        return command.equals(jar) || command.startsWith(jar + " ") ? ofManifest(Path.of(jar)) : List.of();
    }

    static List<String> ofManifest(Path jar) {
        List<String> options = new ArrayList<>();
        try (var file = new JarFile(jar.toFile())) {
            Manifest manifest = file.getManifest();
            if (manifest != null) {
                add(options, "--add-opens=", manifest.getMainAttributes().getValue("Add-Opens"));
                add(options, "--add-exports=", manifest.getMainAttributes().getValue("Add-Exports"));
                if ("ALL-UNNAMED".equals(manifest.getMainAttributes().getValue("Enable-Native-Access"))) {
                    options.add("--enable-native-access=ALL-UNNAMED");
                }
            }
        } catch (IOException | RuntimeException e) {
            // it has been replaced since
        }
        return options;
    }

    private static void add(List<String> options, String option, @Nullable String packages) {
        for (String one : words(packages, false)) {
            options.add(option + one + "=ALL-UNNAMED");
        }
    }

    /** What a worker has to be told, if anything. */
    static List<String> forWorker(List<String> takenOver) {
        return Management.isThere() || takenOver.isEmpty()
                ? List.of()
                : List.of("-D" + PROPERTY + "=" + String.join(SEPARATOR, takenOver));
    }

    /** Without the program's own name. */
    private static List<String> commandLine() {
        try {
            byte[] line = Files.readAllBytes(Path.of("/proc/self/cmdline")); // the JDK's own way ends after a page
            String[] words =
                    new String(line, Charset.forName(System.getProperty("native.encoding", "UTF-8"))).split("\0");
            return Arrays.asList(words).subList(1, words.length);
        } catch (IOException | RuntimeException e) {
            return ProcessHandle.current().info().arguments().map(Arrays::asList).orElse(List.of());
        }
    }

    /** The options among the words of a command line: up to the program, argument files expanded. */
    static List<String> of(List<String> words) {
        Deque<String> left = new ArrayDeque<>(words);
        List<String> options = new ArrayList<>();
        boolean files = true;
        for (String word = left.poll(); word != null; word = left.poll()) {
            if (files && word.startsWith("@") && word.length() > 1) {
                if (!word.startsWith("@@")) {
                    List<String> inside = wordsOf(new File(word.substring(1)));
                    inside.reversed().forEach(left::addFirst);
                    continue;
                }
                return options; // it stands for a program whose name begins with @
            } else if (word.equals("--disable-@files")) {
                files = false;
            } else if (OF_LAUNCHER.contains(word)) {
                left.poll();
            } else if (WITH_VALUE.contains(word)) {
                options.add(word + "=" + Objects.requireNonNullElse(left.poll(), ""));
            } else if (PROGRAM.contains(word) || word.startsWith("--module=") || !word.startsWith("-")) {
                return options;
            } else if (!word.startsWith("--class-path=") && !word.startsWith("--module-path=")) {
                options.add(word);
            }
        }
        return options;
    }

    private static List<String> wordsOf(File argumentFile) {
        try {
            return words(Files.readString(argumentFile.toPath(),
                    Charset.forName(System.getProperty("native.encoding", "UTF-8"))), true);
        } catch (IOException | RuntimeException e) { // it is gone
            return new ArrayList<>();
        }
    }

    /** The words of an argument file, which may have comments and escapes, or of a variable. */
    static List<String> words(@Nullable String text, boolean isFile) {
        List<String> words = new ArrayList<>();
        StringBuilder word = null;
        char quote = 0;
        for (int i = 0; text != null && i < text.length(); i++) {
            char c = text.charAt(i);
            if (quote != 0 && c == quote) {
                quote = 0;
            } else if (quote != 0 && isFile && c == '\\' && i + 1 < text.length()) {
                word = begun(word).append(unescaped(text.charAt(++i)));
            } else if (quote == 0 && (c == '"' || c == '\'')) {
                quote = c;
                word = begun(word);
            } else if (quote == 0 && isFile && c == '#' && word == null) {
                int end = text.indexOf('\n', i);
                i = end < 0 ? text.length() : end;
            } else if (quote == 0 && Character.isWhitespace(c)) {
                if (word != null) {
                    words.add(word.toString());
                }
                word = null;
            } else {
                word = begun(word).append(c);
            }
        }
        if (word != null) {
            words.add(word.toString());
        }
        return words;
    }

    private static StringBuilder begun(@Nullable StringBuilder word) {
        return word == null ? new StringBuilder() : word;
    }

    private static char unescaped(char c) {
        return switch (c) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'f' -> '\f';
            default -> c;
        };
    }
}
