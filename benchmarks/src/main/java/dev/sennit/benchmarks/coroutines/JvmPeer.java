package dev.sennit.benchmarks.coroutines;

import dev.sennit.benchmarks.measure.Peer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A JVM that is measured from outside, as peer.py is: for what must not be warm, or share its processor time or its
 * heap with whoever measures. Answers {@code KIND} with a server or with a parking place; see {@link EchoServers} and
 * {@link ParkingPlace}.
 */
public final class JvmPeer {
    private JvmPeer() {}

    /** What it is asked for, by lines. */
    interface Answers {
        /** Measures. */
        double[] answer(String what, int... numbers) throws Exception;
    }

    /**
     * Starts one.
     *
     * @param options for its JVM
     */
    static Peer open(String kind, List<String> options) throws IOException {
        List<String> command = Peer.command(JvmPeer.class, options);
        command.add(kind);
        return Peer.start("JVM, " + kind, command);
    }

    /**
     * Answers until its input ends.
     *
     * @param arguments the kind
     */
    public static void main(String[] arguments) throws Exception {
        String kind = arguments[0];
        Answers answers = kind.startsWith("echo-") ? EchoServers.start(kind) : ParkingPlace.open(kind);
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        out.println("ready");
        try (var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                out.println(answer(answers, line.split(" ")));
            }
        }
        System.exit(0); // whatever it serves
    }

    private static String answer(Answers answers, String[] words) {
        try {
            int[] numbers = Arrays.stream(words).skip(1).mapToInt(Integer::parseInt).toArray();
            return Arrays.stream(answers.answer(words[0], numbers))
                    .mapToObj(Double::toString)
                    .collect(Collectors.joining(" ", "ok ", ""));
        } catch (Exception e) {
            return "error " + e;
        }
    }
}
