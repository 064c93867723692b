package dev.sennit.server;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Sends the list of bad requests to a server. Has a main of its own and needs no other class, as benchmarks/engines/run
 * asks other servers, too.
 */
final class BadRequests {
    /** After this time without a byte a connection counts as open. */
    private static final int QUIET_MILLIS = 1_000;
    /** The same where it should not be open: a server on a machine that is busy may only be late. */
    private static final int LATE_MILLIS = 60_000;
    private static final int AT_ONCE = 16;

    /**
     * One request, and the outcomes that are allowed: the statuses that come back in order, then {@code closed}, {@code
     * open} or {@code any}.
     */
    record Case(String name, List<String> allowed, byte[] bytes) {
        boolean allows(String outcome) {
            return allowed.stream()
                    .anyMatch(one -> one.endsWith("any")
                            ? outcome.startsWith(one.substring(0, one.length() - "any".length()))
                            : one.equals(outcome));
        }
    }

    private BadRequests() {}

    /** Prints a line for each answer that the list does not allow. Arguments: the list, the engine's name, the port. */
    public static void main(String[] args) throws Exception {
        List<Case> cases = read(Files.readAllLines(Path.of(args[0])));
        List<String> bad = send(cases, Integer.parseInt(args[2]));
        bad.forEach(one -> System.out.println(args[1] + ": " + one));
        System.out.println(args[1] + ": " + bad.size() + " of " + cases.size() + " are not as RFC 9112 says");
    }

    /** Sends all, each on a connection of its own, and returns a line for each answer that is not allowed. */
    static List<String> send(List<Case> cases, int port) throws Exception {
        List<String> bad = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE)) {
            List<Future<String>> outcomes =
                    cases.stream().map(one -> threads.submit(() -> send(one, port))).toList();
            for (int i = 0; i < cases.size(); i++) {
                Case one = cases.get(i);
                String outcome = outcomes.get(i).get();
                if (!one.allows(outcome)) {
                    bad.add(one.name() + ": " + outcome + ", not " + String.join(" | ", one.allowed()));
                }
            }
        }
        return bad;
    }

    static List<Case> read(List<String> lines) {
        List<Case> cases = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).startsWith("== ")) {
                String name = lines.get(i).substring(3);
                List<String> allowed = List.of(lines.get(i + 1).split(" \\| "));
                StringBuilder text = new StringBuilder();
                for (i += 2; i < lines.size() && !lines.get(i).isEmpty(); i++) {
                    text.append(lines.get(i));
                }
                cases.add(new Case(name, allowed, bytes(text.toString())));
            }
        }
        return cases;
    }

    private static byte[] bytes(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '{') {
                int star = text.indexOf('*', i);
                int end = text.indexOf('}', star);
                byte[] one = bytes(text.substring(i + 1, star));
                for (int n = Integer.parseInt(text.substring(star + 1, end)); n > 0; n--) {
                    out.writeBytes(one);
                }
                i = end;
            } else if (c == '\\') {
                i++;
                switch (text.charAt(i)) {
                    case 'r' -> out.write('\r');
                    case 'n' -> out.write('\n');
                    case 't' -> out.write('\t');
                    case 'v' -> out.write(11);
                    case 's' -> out.write(' ');
                    case '0' -> out.write(0);
                    case '\\' -> out.write('\\');
                    case 'x' -> {
                        out.write(Integer.parseInt(text.substring(i + 1, i + 3), 16));
                        i += 2;
                    }
                    default -> throw new IllegalArgumentException(text);
                }
            } else {
                out.write(c);
            }
        }
        return out.toByteArray();
    }

    private static String send(Case one, int port) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            Thread writer = Thread.ofVirtual().start(() -> {
                try {
                    OutputStream out = socket.getOutputStream();
                    out.write(one.bytes());
                    out.flush();
                } catch (IOException e) {
                    // the server closed: that is seen by the reader
                }
            });
            InputStream in = socket.getInputStream();
            StringJoiner outcome = new StringJoiner(" ");
            while (true) {
                try {
                    boolean mayBeOpen = one.allows((outcome + " open").strip());
                    socket.setSoTimeout(mayBeOpen ? QUIET_MILLIS : LATE_MILLIS);
                    String status = response(in);
                    if (status == null) {
                        return outcome.add("closed").toString();
                    }
                    outcome.add(status);
                } catch (SocketTimeoutException e) {
                    return outcome.add("open").toString();
                } catch (IOException e) { // a reset
                    return outcome.add("closed").toString();
                } finally {
                    writer.interrupt();
                }
            }
        }
    }

    /** Reads one response; null at the end. */
    private static String response(InputStream in) throws IOException {
        String line = line(in);
        if (line == null) {
            return null;
        }
        if (!line.startsWith("HTTP/1.")) {
            return "no-http";
        }
        String status = line.substring(9, 12);
        int length = -1;
        boolean isChunked = false;
        for (line = line(in); line != null && !line.isEmpty(); line = line(in)) {
            String low = line.toLowerCase(Locale.ROOT);
            if (low.startsWith("content-length:")) {
                length = Integer.parseInt(low.substring(15).strip());
            }
            isChunked |= low.startsWith("transfer-encoding:");
        }
        if (isChunked) {
            for (int size = -1; size != 0;) {
                size = Integer.parseInt(line(in).strip(), 16);
                in.readNBytes(size);
                line(in);
            }
        } else if (length > 0) {
            in.readNBytes(length);
        } else if (length < 0 && !status.startsWith("1") && !status.equals("204")) {
            in.readAllBytes();
        }
        return status;
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder text = new StringBuilder();
        int c = in.read();
        if (c < 0) {
            return null;
        }
        for (; c >= 0 && c != '\n'; c = in.read()) {
            text.append((char) c);
        }
        return text.toString().stripTrailing();
    }

}
