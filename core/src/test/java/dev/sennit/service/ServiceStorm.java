package dev.sennit.service;

import dev.sennit.Backoff;
import dev.sennit.internal.SignalSender;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;

/**
 * A manager with services under random events: reloads, restarts, new numbers of workers, new settings, broken
 * settings, services that are added and removed, class files that are overwritten, and processes that are killed,
 * stopped and continued.
 *
 * <p>The storm uses only the library, so it can also run in a JVM of its own: see {@link #main}.
 */
final class ServiceStorm implements AutoCloseable {
    /**
     * Service objects with a listener, a service from a class path of its own, commands with a child. These services
     * always exist.
     */
    static final List<String> SERVICES = List.of("object", "class", "command");

    private static final String LISTENER = "web";
    /** Watches are not killed, as a command without a watch gets no order to stop. */
    private static final Pattern WATCH = Pattern.compile(" sennit-watch ");
    /**
     * Processes that tie workers to their manager, or are about to: if such a process is stopped in its first moments,
     * its worker is not tied yet.
     */
    private static final Pattern TIES = Pattern.compile(" sennit-watch |/setsid - |/setpriv --pdeathsig ");

    private final Random random;
    /** The folder of a service's class files. */
    private final Path classes;
    private final Path library;
    private final MarkedProcesses processes;
    /** The processes that get no signals. */
    private final Pattern untouched;
    private final Set<String> extras = new TreeSet<>();
    private final Set<ProcessHandle> stopped = new HashSet<>();
    private int added;
    /** All events of the manager. */
    final List<ServiceEvent> events = Collections.synchronizedList(new ArrayList<>());
    /** The futures of all requests. */
    final List<CompletableFuture<Void>> asked = new ArrayList<>();
    final ServiceManager manager;

    /** Starts the services. */
    ServiceStorm(long seed, Path folder, MarkedProcesses processes, OutputStream log) throws IOException {
        this(seed, folder, processes, log, WATCH);
    }

    private ServiceStorm(long seed, Path folder, MarkedProcesses processes, OutputStream log, Pattern untouched)
            throws IOException {
        this.untouched = untouched;
        random = new Random(seed);
        classes = folder.resolve("classes");
        this.processes = processes;
        library = Jars.library(folder);
        writeClasses();
        manager = ServiceManager.create("storm", ServiceLog.to(log, ServiceLog.Format.TEXT));
        manager.addListener(new ServiceListener() {
            @Override
            public void event(ServiceEvent event) {
                events.add(event);
            }
        });
        manager.listen(LISTENER, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        for (String name : SERVICES) {
            manager.add(settings(name).build());
        }
        manager.start();
        manager.whenUp().join();
    }

    private void writeClasses() throws IOException {
        Jars.writeClasses(classes, Served.class, Late.class);
    }

    // ---- services ----

    /** Loads a class at its end, so its class path has to exist until then, without changes. */
    static final class Served implements Service {
        private static final long serialVersionUID = 1L;

        @Override
        public void initialize(ServiceWorker me) throws InterruptedException {
            switch (System.getProperty("storm.broken", "")) {
                case "throws" -> throw new IllegalStateException("broken");
                case "hangs" -> new CountDownLatch(1).await();
                default -> {}
            }
            if (me.name().startsWith("object") && !me.listener().isOpen()) {
                throw new IllegalStateException("no listener");
            }
        }

        @Override
        public void run(ServiceWorker me) throws InterruptedException {
            me.awaitStop();
            System.out.println(Late.text());
        }
    }

    /** A class that is loaded only at the end. */
    static final class Late {
        private Late() {}

        static String text() {
            return "ends";
        }
    }

    /** Returns valid settings. */
    ServiceSettings.Builder settings(String name) {
        ServiceSettings.Builder all = name.startsWith("object")
                ? ServiceSettings.of(name, new Served()).listener(LISTENER)
                : name.startsWith("class")
                        ? ServiceSettings.ofClass(name, Served.class.getName()).classPath(classes, library)
                        : command(name, "echo up; sleep 1000 & wait");
        return withLimits(name, all);
    }

    private static ServiceSettings.Builder command(String name, String script) {
        return ServiceSettings.ofCommand(name, "sh", "-c", script)
                .readiness(new Readiness.Line(Pattern.compile("^up$")));
    }

    private ServiceSettings.Builder withLimits(String name, ServiceSettings.Builder all) {
        if (!name.startsWith("command")) {
            SmallServices.small(all).heartbeatLimit(Duration.ofSeconds(2));
        }
        return all.environment(processes.environment())
                .workers(name.startsWith("class") ? 1 : 2)
                .backoff(Backoff.fixed(Duration.ofMillis(50)))
                .startLimit(Duration.ofSeconds(10))
                .stopLimit(Duration.ofSeconds(3));
    }

    /** Returns valid settings that differ from the last. */
    private ServiceSettings changed(String name) {
        ServiceSettings.Builder all = settings(name)
                .workers(random.nextInt(4))
                .atOnce(1 + random.nextInt(3))
                .reloadInPlace(random.nextInt(4) == 0)
                .stopLimit(Duration.ofMillis(500 + random.nextInt(3000)));
        if (!name.startsWith("command")) {
            all.spares(random.nextInt(2));
        }
        return all.build();
    }

    /** Returns settings with which no worker gets ready. */
    private ServiceSettings broken(String name) {
        boolean hangs = random.nextBoolean();
        ServiceSettings.Builder all;
        if (name.startsWith("command")) {
            all = withLimits(name, command(name, hangs ? "exec sleep 1000" : "echo broken; exit 3"));
        } else {
            all = settings(name).jvmOptions("-Dstorm.broken=" + (hangs ? "hangs" : "throws"));
        }
        return all.startLimit(Duration.ofSeconds(1)).workers(1 + random.nextInt(3)).build();
    }

    // ---- events ----

    /** Makes one random event, and waits a little. */
    void step() throws IOException, InterruptedException {
        String name = SERVICES.get(random.nextInt(SERVICES.size()));
        switch (random.nextInt(15)) {
            case 0, 1 -> asked.add(manager.scale(name, random.nextInt(4)));
            case 2 -> asked.add(manager.reload());
            case 3 -> asked.add(manager.reload(name));
            case 4 -> asked.add(manager.restart(name));
            case 5 -> asked.add(manager.reconfigure(changed(name)));
            case 6 -> asked.add(manager.reconfigure(broken(name)));
            case 7 -> add(name);
            case 8 -> remove();
            case 9 -> writeClasses();
            case 10, 11 -> signal("KILL");
            case 12 -> signal("STOP");
            case 13 -> changeAll();
            default -> goOn();
        }
        Thread.sleep(random.nextInt(200));
    }

    private void add(String after) throws IOException {
        String name = SERVICES.get(random.nextInt(SERVICES.size())) + "-" + ++added;
        extras.add(name);
        manager.add(settings(name).workers(1).after(after).build());
        asked.add(manager.whenUp());
    }

    /** Changes all services in one step: some get new settings, some are removed, one is new. */
    private void changeAll() throws IOException {
        List<ServiceSettings> all = new ArrayList<>();
        for (String name : SERVICES) {
            all.add(random.nextInt(4) == 0 ? broken(name) : changed(name));
        }
        extras.removeIf(name -> random.nextBoolean());
        extras.add(SERVICES.get(random.nextInt(SERVICES.size())) + "-" + ++added);
        for (String name : extras) {
            all.add(settings(name).workers(1).build());
        }
        asked.add(manager.reconfigure(all));
    }

    private void remove() {
        if (!extras.isEmpty()) {
            String name = extras.iterator().next();
            extras.remove(name);
            asked.add(manager.remove(name));
        }
    }

    /** Signals random processes: workers, successors, spares, the keepers of commands, and their children. */
    private void signal(String name) throws IOException, InterruptedException {
        for (String process : processes.alive()) {
            if (random.nextInt(5) == 0 && !untouched.matcher(process).find()) {
                send(Long.parseLong(process.substring(0, process.indexOf(' '))), name);
            }
        }
    }

    private void send(long pid, String name) throws IOException, InterruptedException {
        ProcessHandle process = ProcessHandle.of(pid).orElse(null);
        if (process != null) {
            SignalSender.send(process, SignalSender.numberOf(name));
            if (name.equals("STOP")) {
                stopped.add(process);
            }
        }
    }

    /** Continues all stopped processes. */
    private void goOn() throws IOException, InterruptedException {
        for (ProcessHandle process : stopped) {
            SignalSender.send(process, SignalSender.numberOf("CONT"));
        }
        stopped.clear();
    }

    /** Sets valid settings for all services, with this number of workers, and removes other services. */
    CompletableFuture<Void> settle(int workers) throws IOException, InterruptedException {
        goOn();
        List<CompletableFuture<Void>> last = new ArrayList<>();
        if (random.nextBoolean()) {
            List<ServiceSettings> all = new ArrayList<>();
            SERVICES.forEach(name -> all.add(settings(name).build()));
            last.add(manager.reconfigure(all));
            SERVICES.forEach(name -> last.add(manager.scale(name, workers)));
        } else {
            while (!extras.isEmpty()) {
                remove();
            }
            for (String name : SERVICES) {
                last.add(manager.reconfigure(settings(name).workers(workers).build()));
            }
        }
        asked.addAll(last);
        return CompletableFuture.allOf(asked.stream().map(one -> one.exceptionally(why -> null))
                .toArray(CompletableFuture[]::new)).thenCompose(
                        all -> CompletableFuture.allOf(last.toArray(CompletableFuture[]::new)));
    }

    @Override
    public void close() {
        manager.close();
    }

    /**
     * Runs a storm without an end, and prints each step.
     *
     * @param arguments the seed, a folder, and the mark of its processes
     */
    public static void main(String[] arguments) throws Exception {
        try (var storm = new ServiceStorm(
                Long.parseLong(arguments[0]), Path.of(arguments[1]), new MarkedProcesses(arguments[2]),
                OutputStream.nullOutputStream(), TIES)) {
            for (int i = 0; true; i++) {
                System.out.println("step " + i);
                storm.step();
            }
        }
    }
}
