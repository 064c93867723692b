package dev.sennit.service;

import dev.sennit.Backoff;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;

/**
 * A manager in a JVM of its own, with two workers of a Java service and two of a command. It does what it reads, line
 * by line, and answers with a line that begins with "#". The rest of its output is the log of the services.
 */
final class ManagerProgram {
    private final ServiceManager manager = ServiceManager.create("program", ServiceLog.to(System.out,
            ServiceLog.Format.TEXT));
    private final Deque<FileInputStream> held = new ArrayDeque<>();

    private ManagerProgram() {}

    /**
     * Begins.
     *
     * <p>With {@code -Dheld=true} it takes all descriptors first.
     *
     * @param arguments the mark of its processes; how many spares the Java service has; the parts of the Java service's
     *     class path, if it has one
     */
    public static void main(String[] arguments) throws Exception {
        var program = new ManagerProgram();
        Map<String, String> environment = Map.of("SENNIT_MARK", arguments[0]);
        List<Path> classPath = List.of(arguments).stream().skip(2).map(Path::of).toList();
        ServiceSettings.Builder java = classPath.isEmpty()
                ? ServiceSettings.of("java", new ServiceStorm.Served())
                : ServiceSettings.ofClass("java", ServiceStorm.Served.class.getName())
                        .classPath(classPath.toArray(Path[]::new));
        ServiceSettings.Builder command = ServiceSettings.ofCommand(
                "command", "sh", "-c", "echo up; sleep 1000 & wait").readiness(
                        new Readiness.Line(Pattern.compile("^up$")));
        for (ServiceSettings.Builder one : List.of(
                java.spares(Integer.parseInt(arguments[1])).heap("24m").heartbeatLimit(Duration.ofSeconds(2)),
                command)) {
            program.manager.add(one.environment(
                    environment)
                    .workers(2)
                    .backoff(Backoff.fixed(Duration.ofMillis(100)))
                    .build());
        }
        if (Boolean.getBoolean("held")) {
            program.hold(0);
        }
        program.manager.start();
        program.manager.whenUp().thenRun(() -> answer("up"));
        try (var orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String order = orders.readLine(); order != null; order = orders.readLine()) {
                program.follow(order);
            }
        }
        answer("exits with " + program.manager.shutdown().join());
    }

    private static void answer(String text) {
        System.out.println("# " + text);
    }

    private void follow(String order) throws IOException {
        switch (order) {
            case "status" -> answer(manager.status().stream()
                    .map(one -> one.service() + " " + one.id() + " " + one.state() + " " + one.pid() + " "
                            + one.restarts())
                    .toList()
                    .toString());
            case "reload" -> reload();
            case "hang" -> manager.restart("java").thenRun(ManagerProgram::hang);
            case "free" -> free(Integer.MAX_VALUE);
            case "scale 2", "scale 3" -> scale(Integer.parseInt(order.substring(6)));
            default -> hold(Integer.parseInt(order));
        }
    }

    private void reload() {
        try {
            manager.reload().join();
            answer("reloaded");
        } catch (IOException e) {
            answer("refused: " + e.getMessage());
        } catch (CompletionException e) {
            answer("failed: " + e.getCause().getMessage());
        }
    }

    private void scale(int workers) {
        for (String service : List.of("java", "command")) {
            manager.scale(service, workers).thenRun(() -> answer(service + " has " + workers));
        }
    }

    /** In the thread that decides. */
    private static void hang() {
        answer("hangs");
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            throw new AssertionError("nobody knows this thread", e);
        }
    }

    /** Takes all descriptors but some. */
    private void hold(int free) throws IOException {
        String obstacle = null;
        while (obstacle == null) {
            try {
                held.add(new FileInputStream("/dev/null"));
            } catch (IOException e) {
                obstacle = e.getMessage();
            }
        }
        free(free);
        answer("held: " + obstacle);
    }

    private void free(int count) throws IOException {
        for (int left = count; left > 0 && !held.isEmpty(); left--) {
            held.remove().close();
        }
    }
}
