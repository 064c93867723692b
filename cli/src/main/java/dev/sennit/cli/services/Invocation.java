package dev.sennit.cli.services;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The command by which this process was started, to start it once more. The launcher says by a variable where it is and
 * how many arguments it was given, so that a launcher, a Sennit or a JDK that has been replaced since is the one that
 * runs. The variable names its process, as programs below this one inherit it. Without a launcher, the command line of
 * the JVM is the command.
 *
 * @param command the program and its arguments, without those by which it took over from another
 */
record Invocation(List<String> command) {
    /** {@code PID COUNT PATH}, set by the launcher. */
    static final String VARIABLE = "SENNIT_LAUNCHER";
    static final String TAKE_OVER = "--take-over";

    private static final Pattern FORM = Pattern.compile("(\\d{1,18}) (\\d{1,6}) (.+)", Pattern.DOTALL);

    /**
     * Reads the command line of this process, which its title is to replace.
     *
     * @param isServe whether the option for a take-over has a value
     * @return without a command, if it cannot be read, as where there is no {@code /proc}
     */
    static Invocation ofThisProcess(boolean isServe) {
        byte[] line;
        try {
            line = Files.readAllBytes(Path.of("/proc/self/cmdline"));
        } catch (IOException e) {
            return new Invocation(List.of());
        }
        return of(
                System.getenv().getOrDefault(VARIABLE, ""),
                ProcessHandle.current().pid(),
                new String(line, Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"))),
                isServe);
    }

    /**
     * Reads a command line.
     *
     * @param launcher the variable's value; empty if there is none
     * @param line the arguments, with a zero at the end of each
     * @param isServe whether the option for a take-over has a value
     */
    static Invocation of(String launcher, long pid, String line, boolean isServe) {
        List<String> words = new ArrayList<>(Arrays.asList(line.split("\0", -1)));
        words.removeLast(); // what is behind the last zero
        Matcher said = FORM.matcher(launcher);
        if (said.matches() && said.group(1).equals(Long.toString(pid))) {
            int count = Math.min(Integer.parseInt(said.group(2)), words.size());
            List<String> arguments = words.subList(words.size() - count, words.size());
            List<String> command = new ArrayList<>(List.of(said.group(3)));
            command.addAll(arguments);
            return new Invocation(withoutTakeOver(command, isServe));
        }
        return new Invocation(withoutTakeOver(words, isServe));
    }

    private static List<String> withoutTakeOver(List<String> words, boolean isServe) {
        List<String> left = new ArrayList<>();
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (word.equals(TAKE_OVER)) {
                i += isServe ? 1 : 0;
            } else if (!word.startsWith(TAKE_OVER + "=")) {
                left.add(word);
            }
        }
        return List.copyOf(left);
    }

    /**
     * Makes the same command with more options.
     *
     * @param options what to add
     * @return a builder for a process with the output, the environment and the working directory of this one
     */
    ProcessBuilder with(List<String> options) {
        List<String> all = new ArrayList<>(command);
        int endOfOptions = all.indexOf("--");
        all.addAll(endOfOptions < 0 ? all.size() : endOfOptions, options);
        return new ProcessBuilder(all).inheritIO();
    }
}
