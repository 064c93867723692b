package dev.sennit.benchmarks.services;

import dev.sennit.Backoff;
import dev.sennit.service.Escalation;
import dev.sennit.service.Service;
import dev.sennit.service.ServiceEvent;
import dev.sennit.service.ServiceListener;
import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import dev.sennit.service.ServiceWorker;
import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * A manager of services in a JVM of its own, measured from outside: {@code ServicesPeer PIPE SCENE}. Each worker writes
 * {@code ready SERVICE PID} into the pipe as soon as it runs, and the manager's listener {@code died SERVICE PID}. A
 * line of standard input, {@code scale SERVICE WORKERS}, changes a service; its end ends the manager in order.
 */
public final class ServicesPeer {
    static final Duration STOP_LIMIT = Duration.ofSeconds(1);
    static final Duration HEARTBEAT_LIMIT = Duration.ofSeconds(1);

    /** A worker that has lived so long was no crash: the next start is at once. */
    private static final Duration PROVEN = Duration.ofMillis(500);

    private static final String HEAP = "64m";

    private ServicesPeer() {}

    /**
     * Manages until its input ends.
     *
     * @param arguments the pipe and the scene
     */
    public static void main(String[] arguments) throws Exception {
        String pipe = arguments[0];
        var log = ServiceLog.to(OutputStream.nullOutputStream(), ServiceLog.Format.TEXT);
        try (ServiceManager manager = ServiceManager.create("benchmark", log);
                var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            manager.addListener(new ServiceListener() {
                @Override
                public void event(ServiceEvent event) {
                    if (event.kind() == ServiceEvent.Kind.DIED) {
                        tell(pipe, "died", event.service(), event.pid());
                    }
                }
            });
            tell(pipe, "up", "manager", ProcessHandle.current().pid());
            addServices(manager, pipe, arguments[1]);
            manager.start();
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] words = line.split(" ");
                manager.scale(words[1], Integer.parseInt(words[2]));
            }
        }
    }

    private static void addServices(ServiceManager manager, String pipe, String scene) throws IOException {
        switch (scene) {
            case "kills" -> {
                manager.add(java("java", new Sleeper(pipe)).build());
                manager.add(java("spare", new Sleeper(pipe)).spares(1).build());
                manager.add(command("command", pipe, "exec sleep 100000").build());
            }
            case "neighbour" -> {
                manager.add(java("java", new Sleeper(pipe)).build());
                manager.add(command("command", pipe, "exec sleep 100000").build());
                manager.add(command("crasher", pipe, "exit 1")
                        .backoff(Backoff.exponential(Duration.ofMillis(10)).atMost(Duration.ofMillis(100)))
                        .build());
            }
            case "stuck" -> {
                manager.add(java("hung", new Hung(pipe)).heartbeatLimit(HEARTBEAT_LIMIT).build());
                manager.add(java("stubborn", new Stubborn(pipe)).stopLimit(STOP_LIMIT).build());
                manager.add(command("command", pipe, "trap '' TERM; while sleep 1; do :; done")
                        .stopLimit(STOP_LIMIT)
                        .build());
            }
            case "orphans" -> {
                manager.add(java("java", new Sleeper(pipe)).workers(2).build());
                manager.add(command("command", pipe, "exec sleep 100000").workers(2).build());
            }
            case "idle-java" -> manager.add(java("java", new Sleeper(pipe)).workers(10).build());
            case "idle" -> manager.add(command("command", pipe, "exec sleep 100000").workers(10).build());
            default -> throw new IllegalArgumentException("unknown scene " + scene);
        }
    }

    private static ServiceSettings.Builder java(String name, Service service) {
        return ServiceSettings.of(name, service).heap(HEAP).deaths(10, PROVEN, Escalation.KEEP_TRYING);
    }

    private static ServiceSettings.Builder command(String name, String pipe, String then) {
        String script = "echo ready " + name + " $$ > '" + pipe + "'; " + then;
        return ServiceSettings.ofCommand(name, "sh", "-c", script).deaths(10, PROVEN, Escalation.KEEP_TRYING);
    }

    /** One write: lines of several processes do not mix. */
    private static void tell(String pipe, String what, String service, long pid) {
        try (var out = new FileOutputStream(pipe)) {
            out.write((what + " " + service + " " + pid + "\n").getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void tellReady(String pipe, ServiceWorker me) {
        tell(pipe, "ready", me.name(), ProcessHandle.current().pid());
    }

    private record Sleeper(String pipe) implements Service {
        private static final long serialVersionUID = 1L;

        @Override
        public void run(ServiceWorker me) throws InterruptedException {
            tellReady(pipe, me);
            me.awaitStop();
        }
    }

    /** Gives one heartbeat, and none after it. */
    private record Hung(String pipe) implements Service {
        private static final long serialVersionUID = 1L;

        @Override
        public void run(ServiceWorker me) throws InterruptedException {
            Thread.sleep(PROVEN);
            me.heartbeat();
            tellReady(pipe, me);
            me.awaitStop();
        }
    }

    /** Does not heed a stop. */
    private record Stubborn(String pipe) implements Service {
        private static final long serialVersionUID = 1L;

        @Override
        public void run(ServiceWorker me) throws InterruptedException {
            tellReady(pipe, me);
            Thread.sleep(Duration.ofDays(1));
        }

        @Override
        public void terminate(ServiceWorker me) {}
    }
}
