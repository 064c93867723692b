package dev.sennit.cli.services;

import dev.sennit.cli.services.ControlServer.Answer;
import dev.sennit.cli.services.ControlServer.Outcome;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.SystemSignals;
import dev.sennit.internal.linux.ListeningSocket;
import dev.sennit.internal.linux.OrphanReaper;
import dev.sennit.internal.linux.ProcessTitle;
import dev.sennit.internal.linux.SystemdNotifier;
import dev.sennit.service.LogFollower;
import dev.sennit.service.ServiceException;
import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import dev.sennit.service.ServiceStatus;
import dev.sennit.service.SlotStatus;
import dev.sennit.shared.SharedQueue;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Runs the services of a file, until they have ended or somebody says so: by a signal, or over the control socket.
 *
 * <p>The thread that calls {@link #run} looks after all that is due from time to time; each signal and each request has
 * a thread of its own. Changes of what runs exclude each other.
 */
public final class ServicesRun {
    private static final Duration TICK = Duration.ofSeconds(1);
    /** Until all are ready: somebody waits to be told. */
    private static final Duration FIRST_TICKS = Duration.ofMillis(100);
    /** How often a wait looks whether somebody still wants its answer. */
    private static final Duration LOOK = Duration.ofMillis(500);

    private final UnaryOperator<List<Path>> classPaths;
    private final ServiceLog log;
    private final ServiceManager manager;
    private final SystemdNotifier notifier;
    private final long startedAt = System.nanoTime();
    private final Map<String, SharedQueue<Object>> queues = new LinkedHashMap<>();
    private final List<SystemSignals.Handled> signals = new ArrayList<>();
    private final AtomicInteger interrupts = new AtomicInteger();
    private final AtomicInteger reloading = new AtomicInteger();

    private final ReentrantLock changing = new ReentrantLock();
    // guarded by changing
    private ServicesFile file;
    private final Map<String, ServiceSettings> settings = new LinkedHashMap<>();

    private @Nullable CompletableFuture<Void> proofOfLife;
    private boolean hasSaidReady;
    private String said = "";

    private ServicesRun(
            ServicesFile file, UnaryOperator<List<Path>> classPaths, ServiceLog log, SystemdNotifier notifier) {
        this.file = file;
        this.classPaths = classPaths;
        this.log = log;
        this.notifier = notifier;
        manager = ServiceManager.create(file.name(), log);
    }

    /**
     * Runs the services of a file. To be called once in a JVM, whose signals it takes over.
     *
     * @param file the file
     * @param classPaths returns the class path of a service that names these parts: with Sennit on it
     * @return the exit code: 0 if all workers ended in time, 1 if one was killed or had failed
     * @throws IOException if they cannot be started; its message is one line that says why, and nothing is left
     * @throws InterruptedException if the thread is interrupted; all workers have ended
     */
    public static int run(ServicesFile file, UnaryOperator<List<Path>> classPaths)
            throws IOException, InterruptedException {
        SystemdNotifier notifier = notifier();
        ListeningSocket control = bindControl(file);
        try {
            var run = new ServicesRun(file, classPaths, log(file), notifier);
            try (run.manager) { // which closes the log
                return run.run(control);
            }
        } finally {
            Quietly.close(control::close);
        }
    }

    private static SystemdNotifier notifier() throws IOException {
        try {
            return SystemdNotifier.of(System.getenv());
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static ListeningSocket bindControl(ServicesFile file) throws IOException {
        try {
            return ControlServer.bind(file.control());
        } catch (IOException e) {
            var pid = new StringBuilder();
            if (ControlClient.ask(file.control(), List.of("pid"), row -> pid.append(row.getFirst())).isPresent()) {
                throw new IOException("the services of " + file.path() + " are run by process " + pid
                        + " already; sennit services stop --file " + file.path() + " ends them", e);
            }
            throw e;
        }
    }

    private static ServiceLog log(ServicesFile file) throws IOException {
        ServiceLog.Format format = switch (file.log().format()) {
            case TEXT -> ServiceLog.Format.TEXT;
            case JSON -> ServiceLog.Format.JSON;
        };
        Path target = file.log().file();
        if (target == null) {
            return ServiceLog.to(new FileOutputStream(FileDescriptor.out), format);
        }
        try {
            Path folder = target.getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            return ServiceLog.to(target, format);
        } catch (IOException e) {
            throw new IOException("the log " + target + " cannot be written (" + e + "); make its folder writable", e);
        }
    }

    private int run(ListeningSocket socket) throws IOException, InterruptedException {
        begin();
        try (ControlServer _ = ControlServer.open(socket, this::handle);
                FigureServer _ = figures();
                AutoCloseable _ = entry()) {
            handleSignals();
            ProcessTitle.set(file.name() + ": master process");
            manager.start();
            log.note(file.name() + " runs " + file.path() + " as process " + ProcessHandle.current().pid());
            while (!manager.awaitEnd(hasSaidReady ? tick() : FIRST_TICKS)) {
                lookAfter();
            }
            return manager.awaitEnd();
        } catch (IOException | InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError("closes without", e);
        } finally {
            manager.close();
            signals.forEach(SystemSignals.Handled::restore);
            queues.values().forEach(SharedQueue::shutdown);
        }
    }

    /** Adds all services. */
    private void begin() throws IOException {
        for (Map.Entry<String, ListenerAddress> one : file.listeners().entrySet()) {
            listen(one.getKey(), one.getValue());
        }
        file.queues().forEach(this::makeQueue);
        for (ServiceSettings one : file.services()) {
            settings.put(one.name(), complete(one));
        }
        manager.reconfigure(settings.values()).exceptionally(e -> null); // what goes wrong is in the log
    }

    private void listen(String name, ListenerAddress address) throws IOException {
        switch (address) {
            case ListenerAddress.Tcp tcp -> manager.listen(name, resolved(tcp));
            case ListenerAddress.UnixSocket unix -> manager.listen(name, UnixDomainSocketAddress.of(unix.path()));
            case ListenerAddress.Systemd systemd -> manager.listenOnSystemd(name, systemd.name());
        }
    }

    private static InetSocketAddress resolved(ListenerAddress.Tcp address) throws IOException {
        return new InetSocketAddress(InetAddress.getByName(address.host()), address.port());
    }

    private void makeQueue(String name, ServicesFile.Queue queue) {
        queues.computeIfAbsent(name, key -> SharedQueue.create(
                queue.capacity(), queue.memory(), queue.allowed().toArray(String[]::new)));
    }

    /** The settings with what the file alone does not know. */
    private ServiceSettings complete(ServiceSettings ofFile) {
        if (ofFile.className() == null) {
            return ofFile;
        }
        ServiceSettings.Builder builder = ofFile.toBuilder()
                .classPath(classPaths.apply(ofFile.classPath()).toArray(Path[]::new));
        queues.forEach(builder::value);
        return builder.build();
    }

    private @Nullable FigureServer figures() throws IOException {
        ListenerAddress.Tcp address = file.metrics();
        return address == null ? null : FigureServer.open(resolved(address), new Figures());
    }

    private @Nullable AutoCloseable entry() {
        try {
            RunningManagers known = RunningManagers.ofThisUser().orElse(null);
            return known == null ? null : known.add(file.path(), file.control());
        } catch (IOException e) {
            log.note("commands have to name the file, with --file: " + e.getMessage());
            return null;
        }
    }

    // ---- what is due from time to time ----

    private Duration tick() {
        Duration half = notifier.watchdogLimit().map(limit -> limit.dividedBy(2)).orElse(TICK);
        return half.compareTo(TICK) < 0 ? half : TICK;
    }

    private void lookAfter() {
        if (ProcessHandle.current().pid() == 1) {
            OrphanReaper.reap(manager.status().stream().map(SlotStatus::pid).collect(Collectors.toSet()));
        }
        if (!notifier.isWanted()) {
            hasSaidReady |= manager.isUp();
            return;
        }
        try {
            if (!hasSaidReady && manager.isUp()) {
                notifier.ready();
                hasSaidReady = true;
            }
            String now = summary();
            if (!now.equals(said)) {
                notifier.status(now);
                said = now;
            }
            CompletableFuture<Void> asked = proofOfLife;
            if (asked == null || asked.isDone()) { // else the manager's thread hangs, and systemd shall find that out
                if (asked != null) {
                    notifier.watchdog();
                }
                proofOfLife = manager.whenAlive();
            }
        } catch (IOException e) {
            if (!said.equals(e.getMessage())) {
                said = String.valueOf(e.getMessage());
                log.note("systemd cannot be told: " + said);
            }
        }
    }

    private String summary() {
        List<ServiceStatus> services = manager.services();
        int wanted = services.stream().mapToInt(ServiceStatus::wanted).sum();
        int ready = services.stream().mapToInt(ServiceStatus::ready).sum();
        return ready + " of " + wanted + " workers of " + services.size() + " services are ready";
    }

    // ---- signals ----

    private void handleSignals() {
        handle("HUP", () -> reload(""));
        handle("TERM", this::stop);
        handle("INT", () -> {
            if (interrupts.incrementAndGet() == 1) {
                stop();
            } else {
                manager.shutdownNow();
            }
        });
        handle("TTIN", () -> scaleBySignal(1));
        handle("TTOU", () -> scaleBySignal(-1));
        handle("USR1", () -> {
            log.reopen();
            log.note("the log was opened again");
        });
    }

    private void handle(String name, Runnable action) {
        signals.add(SystemSignals.handle(name, () -> {
            try {
                action.run();
            } catch (RuntimeException e) {
                log.note("signal " + name + " failed: " + e);
            }
            return true;
        }));
    }

    private void stop() {
        log.note("stops");
        try {
            notifier.stopping();
        } catch (IOException e) {
            // systemd sees the end
        }
        manager.shutdown();
    }

    /** One worker more or less of what is there to be scaled: services on a listener; in a file with one, that one. */
    private void scaleBySignal(int by) {
        changing.lock();
        try {
            List<String> meant = settings.values().stream()
                    .filter(one -> one.listener() != null || settings.size() == 1)
                    .map(ServiceSettings::name)
                    .toList();
            if (meant.isEmpty()) {
                log.note("no service has a listener, so the signal says too little; sennit services scale does more");
            }
            for (ServiceStatus one : manager.services()) {
                int workers = Math.max(0, one.wanted() + by);
                if (meant.contains(one.name()) && workers != one.wanted()) {
                    log.note(one.name() + " is to have " + workers + " workers");
                    manager.scale(one.name(), workers).exceptionally(e -> null);
                }
            }
        } finally {
            changing.unlock();
        }
    }

    // ---- changes ----

    /**
     * Reads the file again and has it run, or reloads one service from what it is.
     *
     * @param service its name; empty for all
     * @return done when it is so
     */
    private CompletableFuture<Void> reload(String service) {
        CompletableFuture<Void> done;
        changing.lock();
        try {
            log.note(service.isEmpty() ? "reloads " + file.path() : "reloads service " + service);
            done = service.isEmpty() ? change(ServicesFile.read(file.path())) : manager.reload(service);
        } catch (ServicesFileException e) {
            e.problems().forEach(log::note);
            done = CompletableFuture.failedFuture(new ServiceException(
                    "the file is refused, what runs goes on: " + String.join(" | ", e.problems())));
        } catch (IOException | RuntimeException e) {
            done = CompletableFuture.failedFuture(
                    new ServiceException(e.getMessage() == null ? e.toString() : e.getMessage()));
        } finally {
            changing.unlock();
        }
        tellReload(true);
        return done.whenComplete((nothing, e) -> {
            log.note(e == null ? "has reloaded" : "has not reloaded: " + reason(e));
            tellReload(false);
        });
    }

    /** Several reloads may overlap: systemd hears of the first and of the last. */
    private void tellReload(boolean begins) {
        int count = begins ? reloading.getAndIncrement() : reloading.decrementAndGet();
        if (count == 0) {
            try {
                if (begins) {
                    notifier.reloading();
                } else if (hasSaidReady) {
                    notifier.ready();
                }
            } catch (IOException e) {
                log.note("systemd cannot be told: " + e.getMessage());
            }
        }
    }

    private CompletableFuture<Void> change(ServicesFile next) throws IOException {
        ensureSamePlaces(next);
        List<String> added = new ArrayList<>();
        Map<String, ServiceSettings> all = new LinkedHashMap<>();
        boolean isSet = false;
        try {
            for (Map.Entry<String, ListenerAddress> one : next.listeners().entrySet()) {
                if (!file.listeners().containsKey(one.getKey())) {
                    listen(one.getKey(), one.getValue());
                    added.add(one.getKey());
                }
            }
            next.queues().forEach(this::makeQueue);
            for (ServiceSettings one : next.services()) {
                ServiceSettings before = settings.get(one.name());
                boolean isSame = before != null
                        && Objects.equals(next.texts().get(one.name()), file.texts().get(one.name()));
                all.put(one.name(), isSame ? before : complete(one));
            }
            CompletableFuture<Void> done = manager.reconfigure(all.values());
            isSet = true;
            Set<String> left = file.listeners().keySet().stream()
                    .filter(name -> !next.listeners().containsKey(name))
                    .collect(Collectors.toSet());
            settings.clear();
            settings.putAll(all);
            file = next;
            return done.thenRun(() -> left.forEach(this::unlisten));
        } finally {
            if (!isSet) {
                added.forEach(this::unlisten);
            }
        }
    }

    /** What belongs to the manager itself stays as it is: it is not replaced. */
    private void ensureSamePlaces(ServicesFile next) throws IOException {
        List<String> changed = new ArrayList<>();
        if (!next.name().equals(file.name())) {
            changed.add("name");
        }
        if (!next.control().equals(file.control())) {
            changed.add("control");
        }
        if (!next.log().equals(file.log())) {
            changed.add("[log]");
        }
        if (!Objects.equals(next.metrics(), file.metrics())) {
            changed.add("[metrics]");
        }
        file.listeners().forEach((name, address) -> {
            if (!address.equals(next.listeners().getOrDefault(name, address))) {
                changed.add("[listeners." + name + "]");
            }
        });
        file.queues().forEach((name, queue) -> {
            if (!queue.equals(next.queues().getOrDefault(name, queue))) {
                changed.add("[queues." + name + "]");
            }
        });
        if (!changed.isEmpty()) {
            throw new IOException(String.join(", ", changed)
                    + " cannot be changed by a reload, what runs goes on; stop and start the services");
        }
    }

    private void unlisten(String listener) {
        try {
            manager.unlisten(listener);
        } catch (IllegalArgumentException e) { // it was given to a service again meanwhile
            log.note(String.valueOf(e.getMessage()));
        }
    }

    private static String reason(Throwable e) {
        Throwable cause = e instanceof CompletionException || e instanceof ExecutionException ? e.getCause() : e;
        return cause == null ? e.toString() : cause.getMessage() == null ? cause.toString() : cause.getMessage();
    }

    // ---- requests ----

    private Outcome handle(List<String> words, Answer answer) throws IOException, InterruptedException {
        Deque<String> left = new ArrayDeque<>(words);
        String verb = left.isEmpty() ? "" : left.poll();
        String first = left.isEmpty() ? "" : left.poll();
        String second = left.isEmpty() ? "" : left.poll();
        try {
            return switch (verb) {
                case "pid" -> {
                    answer.row(Long.toString(ProcessHandle.current().pid()));
                    yield Outcome.DONE;
                }
                case "status" -> status(answer);
                case "reload" -> await(reload(first), answer);
                case "scale" -> await(scale(first, second), answer);
                case "restart" -> await(manager.restart(first), answer);
                case "stop" -> await(end(first.equals("now")), answer);
                case "logs" -> logs(answer, Integer.parseInt(first), second, left.contains("follow"));
                default -> new Outcome(2, "the manager does not know \"" + verb + "\"");
            };
        } catch (IllegalArgumentException | IllegalStateException | ServiceException e) {
            return new Outcome(2, reason(e));
        }
    }

    private CompletableFuture<Void> scale(String service, String workers) {
        log.note(service + " is to have " + workers + " workers");
        return manager.scale(service, Integer.parseInt(workers));
    }

    private CompletableFuture<Void> end(boolean now) {
        stop();
        CompletableFuture<Integer> ended = now ? manager.shutdownNow() : manager.shutdown();
        return ended.thenAccept(code -> {
            if (code != 0) {
                throw new ServiceException("a worker had to be killed, or had failed: the log tells which");
            }
        });
    }

    /** Waits until it is so, the client goes away, or the manager has ended. */
    private static Outcome await(CompletableFuture<Void> done, Answer answer) throws InterruptedException {
        while (answer.isWanted()) {
            try {
                done.get(LOOK.toNanos(), TimeUnit.NANOSECONDS);
                return Outcome.DONE;
            } catch (TimeoutException e) {
                // looks again
            } catch (ExecutionException e) {
                return new Outcome(1, reason(e));
            }
        }
        return Outcome.DONE; // nobody reads it
    }

    private Outcome logs(Answer answer, int past, String service, boolean follow)
            throws IOException, InterruptedException {
        List<String> names = manager.services().stream().map(ServiceStatus::name).toList();
        if (!service.isEmpty() && !names.contains(service)) {
            return new Outcome(2, "there is no service " + service + "; there are " + names);
        }
        try (LogFollower follower = log.follow(past, service)) {
            while (!follower.isOver()) {
                String line = follower.next(follow ? LOOK : Duration.ZERO);
                if (line != null) {
                    answer.row(line);
                } else if (!follow || !answer.isWanted()) {
                    break;
                }
            }
        }
        return Outcome.DONE;
    }

    private Outcome status(Answer answer) throws IOException {
        new StatusRows(answer).send(file(), manager, log, System.nanoTime() - startedAt);
        return Outcome.DONE;
    }

    private ServicesFile file() {
        changing.lock();
        try {
            return file;
        } finally {
            changing.unlock();
        }
    }

    /** What is served over HTTP. */
    private final class Figures implements FigureServer.Source {
        @Override
        public List<SlotStatus> workers() {
            return manager.status();
        }

        @Override
        public Map<String, Integer> wanted() {
            return manager.services().stream()
                    .collect(Collectors.toMap(ServiceStatus::name, ServiceStatus::wanted, (one, two) -> one,
                            LinkedHashMap::new));
        }

        @Override
        public boolean isUp() {
            return manager.isUp();
        }

        @Override
        public boolean isStopping() {
            return manager.isStopping();
        }

        @Override
        public CompletableFuture<Void> whenAlive() {
            return manager.whenAlive();
        }

        @Override
        public long droppedLines() {
            return log.dropped();
        }
    }
}
