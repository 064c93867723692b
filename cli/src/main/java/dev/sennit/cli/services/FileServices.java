package dev.sennit.cli.services;

import dev.sennit.internal.Uninterruptibles;
import dev.sennit.internal.linux.HeldListeners;
import dev.sennit.internal.linux.ListeningSocket;
import dev.sennit.server.TlsSettings;
import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import dev.sennit.service.ServiceStatus;
import dev.sennit.shared.SharedQueue;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The listeners, queues and services of a file, which a manager runs. Changes exclude each other.
 *
 * <p>A reload may be given up while the workers of the former file still accept on listeners that the new file does not
 * have. So a listener is closed when neither the file nor a worker needs it, whatever became of the reload, and opens
 * again for a file that names it meanwhile. A queue of a file that was run lives as long as the manager: what is in it
 * waits for a file that has the queue again.
 */
final class FileServices {
    private static final Duration END_LIMIT = Duration.ofSeconds(5);

    private record Made(ServicesFile.Queue settings, SharedQueue<Object> queue) {}

    private final ServiceManager manager;
    private final ServiceLog log;
    private final ClassPaths classPaths;
    private volatile ServicesFile file; // written by a thread that has the lock

    private final ReentrantLock changing = new ReentrantLock();
    // guarded by changing
    private final Map<String, ListenerAddress> bound = new LinkedHashMap<>();
    private final Map<String, Made> queues = new LinkedHashMap<>();
    private final Map<String, ServiceSettings> settings = new LinkedHashMap<>();

    FileServices(
            ServicesFile file, ClassPaths classPaths, ServiceManager manager, ServiceLog log) {
        this.file = file;
        this.classPaths = classPaths;
        this.manager = manager;
        this.log = log;
    }

    /** The file that is run. */
    ServicesFile file() {
        return file;
    }

    /**
     * Has the manager run the file.
     *
     * @throws IOException if that cannot be; its message is one line that says why
     */
    void begin() throws IOException {
        changing.lock();
        try {
            become(file).exceptionally(e -> null); // what goes wrong with it later is in the log
        } finally {
            changing.unlock();
        }
    }

    /**
     * Reads the file again, and has the manager run that.
     *
     * @param turn called when it is this reload's turn, before it reads the file
     * @return done when it is so
     * @throws ServicesFileException if the file is refused, or asks for what a reload cannot change
     * @throws IOException if it asks for what cannot be had
     */
    CompletableFuture<Void> reload(Runnable turn) throws IOException, ServicesFileException {
        changing.lock();
        try {
            turn.run();
            ServicesFile next = ServicesFile.read(file.path());
            closeUnused();
            ensureSamePlaces(next);
            return become(next);
        } finally {
            changing.unlock();
        }
    }

    private CompletableFuture<Void> become(ServicesFile next) throws IOException {
        for (TlsSettings one : next.certificates()) {
            one.check(); // no worker is started that could not serve
        }
        Set<String> before = Set.copyOf(queues.keySet());
        boolean isDone = false;
        try {
            for (Map.Entry<String, ListenerAddress> one : next.listeners().entrySet()) {
                if (!bound.containsKey(one.getKey())) {
                    listen(one.getKey(), one.getValue());
                }
            }
            for (Map.Entry<String, ServicesFile.Queue> one : next.queues().entrySet()) {
                if (!before.contains(one.getKey())) {
                    makeQueue(one.getKey(), one.getValue());
                }
            }
            Map<String, ServiceSettings> all = new LinkedHashMap<>();
            for (ServiceSettings one : next.services()) {
                ServiceSettings former = settings.get(one.name());
                boolean isSame = former != null
                        && Objects.equals(next.texts().get(one.name()), file.texts().get(one.name()));
                all.put(one.name(), isSame ? former : complete(one, next));
            }
            CompletableFuture<Void> done = manager.reconfigure(all.values());
            settings.clear();
            settings.putAll(all);
            file = next;
            isDone = true;
            return done;
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            if (!isDone) { // no worker has seen the new queues, and the next file may want others
                next.queues().keySet().stream().filter(name -> !before.contains(name)).forEach(this::dropQueue);
            }
            closeUnused();
        }
    }

    /**
     * Does the same with the sockets of another manager, as far as it has them.
     *
     * @throws IOException if that cannot be; its message is one line that says why
     */
    void begin(TakeOver from) throws IOException {
        changing.lock();
        try {
            takeListeners(from, true);
            takeListeners(from, false); // those that have another name in this file
            HeldListeners.of(manager).takeSpares(from.takeSpares());
        } finally {
            changing.unlock();
        }
        begin();
        for (ServiceSettings one : file.services()) {
            from.wanted(one.name(), one.workers()).ifPresent(
                    wanted -> manager.scale(one.name(), wanted).exceptionally(e -> null));
        }
    }

    private void takeListeners(TakeOver from, boolean isByName) throws IOException {
        for (Map.Entry<String, ListenerAddress> one : file.listeners().entrySet()) {
            ListeningSocket taken = bound.containsKey(one.getKey())
                    ? null
                    : from.take(one.getKey(), one.getValue(), isByName);
            if (taken != null) {
                HeldListeners.of(manager).take(
                        one.getKey(), taken, one.getValue() instanceof ListenerAddress.Systemd);
                bound.put(one.getKey(), one.getValue());
            }
        }
    }

    /** Sends the rows of what another manager may take: listeners as the file has them, and how services are scaled. */
    void offer(ControlServer.Answer answer) throws IOException {
        Map<String, ListenerAddress> listeners;
        changing.lock(); // no reload begins meanwhile
        try {
            listeners = new LinkedHashMap<>(bound);
        } finally {
            changing.unlock();
        }
        for (Map.Entry<String, ListenerAddress> one : listeners.entrySet()) {
            answer.row("listener", one.getKey(), TakeOver.kind(one.getValue()), one.getValue().toString());
        }
        for (String one : HeldListeners.of(manager).spares()) {
            answer.row("spare", one);
        }
        Map<String, Integer> wanted = new LinkedHashMap<>();
        manager.services().forEach(one -> wanted.put(one.name(), one.wanted()));
        for (ServiceSettings one : file.services()) {
            int ofFile = one.workers();
            answer.row("service", one.name(), Integer.toString(ofFile),
                    Integer.toString(wanted.getOrDefault(one.name(), ofFile)));
        }
    }

    /** The sockets that were taken are this manager's: with their paths, which get the permissions of the file. */
    void ownListeners() {
        HeldListeners.of(manager).ownPaths();
        file.listeners().forEach((name, address) -> {
            if (address instanceof ListenerAddress.UnixSocket unix && unix.mode() != null) {
                try {
                    Files.setPosixFilePermissions(unix.path(), unix.mode());
                } catch (IOException e) {
                    log.note("listener " + name + " has not got its mode: " + e);
                }
            }
        });
    }

    private void listen(String name, ListenerAddress address) throws IOException {
        switch (address) {
            case ListenerAddress.Tcp tcp -> manager.listen(name, resolved(tcp));
            case ListenerAddress.UnixSocket unix -> {
                var path = UnixDomainSocketAddress.of(unix.path());
                if (unix.mode() == null) {
                    manager.listen(name, path);
                } else {
                    manager.listen(name, path, unix.mode());
                }
            }
            case ListenerAddress.Systemd systemd -> manager.listenOnSystemd(name, systemd.name());
        }
        bound.put(name, address);
    }

    static InetSocketAddress resolved(ListenerAddress.Tcp address) throws IOException {
        return new InetSocketAddress(InetAddress.getByName(address.host()), address.port());
    }

    private void makeQueue(String name, ServicesFile.Queue queue) throws IOException {
        try {
            queues.put(name, new Made(queue, SharedQueue.create(
                    queue.capacity(), queue.memory(), queue.allowed().toArray(String[]::new))));
        } catch (IllegalArgumentException | IllegalStateException | OutOfMemoryError e) {
            throw new IOException("queue " + name + " cannot be made: " + e.getMessage(), e);
        }
    }

    private void dropQueue(String name) {
        Made made = queues.remove(name);
        if (made != null) {
            made.queue().shutdown();
        }
    }

    /** The settings with what the file alone does not know. */
    private ServiceSettings complete(ServiceSettings ofFile, ServicesFile next) {
        if (!ofFile.command().isEmpty()) {
            return ofFile;
        }
        ServiceSettings.Builder builder = ofFile.toBuilder()
                .classPath(classPaths.of(ofFile.classPath(), next.servlets().contains(ofFile.name()))
                        .toArray(Path[]::new));
        next.queues().keySet().forEach(name -> builder.value(name, Objects.requireNonNull(queues.get(name)).queue()));
        return builder.build();
    }

    /** A reload leaves the manager itself as it is, with all that belongs to it. */
    private void ensureSamePlaces(ServicesFile next) throws ServicesFileException {
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
        bound.forEach((name, address) -> {
            if (!address.equals(next.listeners().getOrDefault(name, address))) {
                changed.add("[listeners." + name + "]");
            }
        });
        queues.forEach((name, made) -> {
            if (!made.settings().equals(next.queues().getOrDefault(name, made.settings()))) {
                changed.add("[queues." + name + "]");
            }
        });
        if (!changed.isEmpty()) {
            throw Problems.unreadable(file.path(), String.join(", ", changed)
                    + " cannot be changed by a reload; sennit services handover changes it");
        }
    }

    /** Closes the listeners that neither the file nor a worker needs; with nobody who changes anything meanwhile. */
    void closeUnusedIfFree() {
        if (changing.tryLock()) {
            try {
                closeUnused();
            } finally {
                changing.unlock();
            }
        }
    }

    private void closeUnused() {
        bound.keySet().removeIf(name -> !file.listeners().containsKey(name) && isClosed(name));
    }

    private boolean isClosed(String listener) {
        try {
            manager.unlisten(listener);
            return true;
        } catch (IllegalArgumentException e) {
            return false; // a worker of the former file accepts on it, or may again
        }
    }

    /** One worker more or less of what is there to be scaled: services on a listener; in a file with one, that one. */
    void scaleAll(int by) {
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

    /**
     * Ends the queues; when all workers have ended. A reload that copies a class path from a disk that has gone may
     * hold that up: then the end of this process does it.
     */
    void shutdownQueues() {
        Uninterruptibles.await(() -> {
            if (changing.tryLock(END_LIMIT.toNanos(), TimeUnit.NANOSECONDS)) {
                try {
                    queues.values().forEach(made -> made.queue().shutdown());
                } finally {
                    changing.unlock();
                }
            }
        });
    }
}
