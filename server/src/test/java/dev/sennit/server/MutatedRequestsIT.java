package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mutated requests: each is answered in whole responses, or closed; none hangs, and none fails in the server. The seed
 * is printed, and {@code -Dsennit.seed} takes it; {@code -Dsennit.requestMutations=100000} is the long form.
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class MutatedRequestsIT {
    private static final int MUTATIONS = Integer.getInteger("sennit.requestMutations", 3_000);
    private static final int CLIENTS = 8;
    private static final int LIMIT_MILLIS = 20_000;
    private static final int BETWEEN_GOOD = 20;
    private static final long MEMORY = 16 << 20;
    private static final String NOT_IMPLEMENTED = "501";
    private static final String UNKNOWN_VERSION = "505";

    @TempDir
    private Path temp;

    private final Map<String, LongAdder> outcomes = new ConcurrentSkipListMap<>();
    private final Map<Integer, String> failures = new ConcurrentHashMap<>();

    @Test
    void noneHangsAndNoneFails() throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("mutated requests: -Dsennit.seed=" + seed);
        List<BadRequests.Case> bad;
        try (InputStream list = Objects.requireNonNull(getClass().getResourceAsStream("bad-requests.txt"))) {
            bad = BadRequests.read(new String(list.readAllBytes(), StandardCharsets.UTF_8).lines().toList());
        }
        var mutator = new RequestMutator(seed, bad);
        Files.writeString(temp.resolve("some.txt"), "the text of a file");
        Routes routes = Routes.create()
                .get("/", MutatedRequestsIT::read)
                .post("/", MutatedRequestsIT::read)
                .get("/{a}", MutatedRequestsIT::read)
                .post("/{a}", MutatedRequestsIT::read)
                .files("/files", temp);
        try (var server = new EngineUnderTest(routes, ServerSettings.DEFAULTS)) {
            run(server, mutator, Math.min(MUTATIONS, 1_000), 0); // warms up
            Waiting.until(() -> server.engine.connections() == 0);
            int threads = Thread.getAllStackTraces().size();
            long memory = memory();
            run(server, mutator, MUTATIONS, 1_000);
            Waiting.until(() -> server.engine.connections() == 0);
            System.out.println("mutated requests: " + MUTATIONS + " of " + outcomes + ", " + failures.size()
                    + " failed, threads " + threads + " -> " + Thread.getAllStackTraces().size() + ", memory "
                    + (memory >> 20) + " -> " + (memory() >> 20) + " MiB");
            assertThat(failures).as("with -Dsennit.seed=" + seed).isEmpty();
            assertThat(Thread.getAllStackTraces()).hasSizeLessThanOrEqualTo(threads + 4);
            assertThat(memory()).isLessThan(memory + MEMORY);
            assertThat(server.engine.queued()).isZero();
            assertThat(server.broken).isNotDone();
            assertThat(outcomes).containsKeys("200", "400", "closed");
        }
    }

    private static WebResponse read(WebRequest request) throws IOException {
        return WebResponse.text(request.bytes().length + " bytes\n");
    }

    private static long memory() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private void run(EngineUnderTest server, RequestMutator mutator, int count, int from) throws Exception {
        AtomicInteger next = new AtomicInteger(from);
        try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
            List<Future<?>> all = IntStream.range(0, CLIENTS)
                    .<Future<?>>mapToObj(_ -> clients.submit(() -> {
                        for (int i = next.getAndIncrement(); i < from + count; i = next.getAndIncrement()) {
                            ask(server.port(), i, mutator.request(i));
                            if (i % BETWEEN_GOOD == 0) {
                                assertServes(server.port(), i);
                            }
                        }
                    }))
                    .toList();
            for (Future<?> one : all) {
                one.get();
            }
        }
    }

    private void ask(int port, int number, byte[] request) {
        try {
            String answer = exchange(port, number, request);
            for (String status : new Responses(answer).statuses()) {
                outcomes.computeIfAbsent(status, _ -> new LongAdder()).increment();
                boolean isRight = status.equals("closed") || status.startsWith("1") || status.startsWith("2")
                        || status.startsWith("3") || status.startsWith("4") || status.equals(NOT_IMPLEMENTED)
                        || status.equals(UNKNOWN_VERSION);
                if (!isRight) {
                    failures.put(number, status + " to " + shown(request));
                }
            }
        } catch (SocketTimeoutException e) {
            failures.put(number, "nothing for " + LIMIT_MILLIS + " ms after " + shown(request));
        } catch (IOException | RuntimeException e) {
            failures.put(number, e + " after " + shown(request));
        }
    }

    private void assertServes(int port, int number) {
        try {
            String answer = exchange(
                    port, number, "GET / HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            if (!answer.startsWith("HTTP/1.1 200 ") || !answer.endsWith("\r\n\r\n0 bytes\n")) {
                failures.put(-number, "a good request got " + answer);
            }
        } catch (IOException e) {
            failures.put(-number, "a good request: " + e);
        }
    }

    /** Sends a request and the end, and returns all that comes back: nothing waits for a time to pass. */
    private static String exchange(int port, int number, byte[] request) throws IOException {
        // from many addresses, as each has only so many ports and keeps them for a while
        InetAddress from = InetAddress.getByAddress(new byte[] {127, 1, 0, (byte) (1 + number % 250)});
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port, from, 0)) {
            socket.setSoTimeout(LIMIT_MILLIS);
            try {
                socket.getOutputStream().write(request);
                socket.shutdownOutput();
            } catch (IOException e) {
                // the server has closed: what it said may be there
            }
            StringBuilder answer = new StringBuilder();
            byte[] buffer = new byte[8192];
            try {
                for (int n = socket.getInputStream().read(buffer); n >= 0; n = socket.getInputStream().read(buffer)) {
                    answer.append(new String(buffer, 0, n, StandardCharsets.ISO_8859_1));
                }
            } catch (SocketTimeoutException e) {
                throw e;
            } catch (IOException e) { // a reset: some of the answer may be lost with it
                answer.append(Responses.RESET);
            }
            return answer.toString();
        }
    }

    private static String shown(byte[] request) {
        return new String(request, StandardCharsets.ISO_8859_1)
                .replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n").replace("\0", "\\0");
    }

    /** Responses, one behind another, as a client would read them. */
    private record Responses(String text) {
        static final String RESET = "\0reset";

        /** Returns the status of each, and {@code closed} if there is none. */
        List<String> statuses() throws IOException {
            boolean isReset = text.endsWith(RESET);
            String all = isReset ? text.substring(0, text.length() - RESET.length()) : text;
            if (all.isEmpty()) {
                return List.of("closed");
            }
            var in = new ByteArrayInputStream(all.getBytes(StandardCharsets.ISO_8859_1));
            List<String> statuses = new ArrayList<>();
            while (in.available() > 0) {
                try {
                    statuses.add(next(in));
                } catch (IOException e) {
                    if (!isReset) {
                        throw e;
                    }
                    break;
                }
            }
            return statuses;
        }

        private static String next(InputStream in) throws IOException {
            String line = line(in);
            if (!line.matches("HTTP/1\\.1 [1-5][0-9][0-9] .*")) {
                throw new IOException("no status line: \"" + line + "\"");
            }
            String status = line.substring(9, 12);
            int length = -1;
            boolean isChunked = false;
            boolean isLast = false;
            for (line = line(in); !line.isEmpty(); line = line(in)) {
                if (!line.matches("[!-9;-~]+: [\\t -~]*")) {
                    throw new IOException("no field: \"" + line + "\"");
                }
                String low = line.toLowerCase(Locale.ROOT);
                length = low.startsWith("content-length: ") ? Integer.parseInt(low.substring(16)) : length;
                isChunked |= low.equals("transfer-encoding: chunked");
                isLast |= low.equals("connection: close");
            }
            if (status.startsWith("1") || status.equals("204") || status.equals("304")) {
                return status;
            }
            if (isChunked) {
                for (int size = -1; size != 0;) {
                    size = Integer.parseInt(line(in), 16);
                    read(in, size);
                    if (!line(in).isEmpty()) {
                        throw new IOException("a chunk without an end");
                    }
                }
            } else if (length >= 0) {
                read(in, length);
            } else {
                in.readAllBytes();
            }
            if (isLast && in.available() > 0) {
                throw new IOException("more after the last response");
            }
            return status;
        }

        private static void read(InputStream in, int length) throws IOException {
            if (in.readNBytes(length).length < length) {
                throw new IOException("a response is not whole");
            }
        }

        private static String line(InputStream in) throws IOException {
            StringBuilder line = new StringBuilder();
            int c = in.read();
            for (; c >= 0 && c != '\n'; c = in.read()) {
                line.append((char) c);
            }
            if (c < 0 || line.isEmpty() || line.charAt(line.length() - 1) != '\r') {
                throw new IOException("a line without an end: \"" + line + "\"");
            }
            return line.substring(0, line.length() - 1);
        }
    }
}
