package dev.sennit.cli.services;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Linux;
import dev.sennit.internal.Quietly;
import dev.sennit.internal.linux.DescriptorReceiver;
import dev.sennit.internal.linux.ListeningSocket;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The new manager's side of a handover: asks the former manager for its sockets, and tells it to stop when all services
 * of this one are up. {@link HandOver} is the other side.
 *
 * <pre>
 * take-over PID                        the connection stays open: while it is, the former manager waits
 *   row  manager, pid, control, metrics
 *   row  listener, name, kind, address    any number of times
 *   row  spare, name                      a socket of systemd that no listener uses
 *   row  service, name, workers of its file, workers wanted
 *   row  begin
 *   done                                  this one has taken over; or with an exit code and the reason why not
 * take-over-send PID what name path    has a descriptor sent to the path
 * take-over-end PID                    the former manager stops; it has given up all that this one needs
 * take-over-fails PID why              for the log of the former manager
 * </pre>
 *
 * <p>If this process ends before {@code take-over-end}, the connection ends, and the former manager goes on as before.
 * If the former manager dies first, this one goes on with what it has; without a socket that it needs, it cannot.
 *
 * <p>Used by the thread that runs the manager.
 */
final class TakeOver {
    /** A socket that the former manager has. */
    private record Offered(String name, String kind, String address) {}

    private record Scaled(String service, int ofFile, int wanted) {}

    /** For each answer of the former manager but the last. */
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(10);
    /** For the last: the former manager closes its page of figures meanwhile. */
    private static final Duration END_LIMIT = Duration.ofSeconds(30);
    /** For a process that was killed to be gone, when its connection has ended. */
    private static final Duration DEATH_LIMIT = Duration.ofSeconds(5);

    private final Path control;
    private final String me = Long.toString(ProcessHandle.current().pid());

    // written by the thread that reads the answer, before the row "begin"
    private final List<Offered> listeners = new ArrayList<>();
    private final List<String> spares = new ArrayList<>();
    private final List<Scaled> services = new ArrayList<>();
    private volatile long pid;
    private volatile Path controlPath = Path.of("");
    private volatile String metrics = "";

    private final CompletableFuture<Void> begun = new CompletableFuture<>();
    /** How the first request ended; empty if nobody listens. */
    private final CompletableFuture<Optional<Outcome>> ended = new CompletableFuture<>();
    /** Whether the former manager has died. */
    private boolean isAlone;

    private TakeOver(Path control) {
        this.control = control;
    }

    /**
     * Asks the former manager.
     *
     * @param control its control socket
     * @throws IOException if it does not let this process take over; its message is one line that says why
     */
    static TakeOver begin(Path control) throws IOException {
        if (!Linux.isSupported()) {
            throw new IOException(
                    "sockets can be taken over only with native access, so nothing has changed; " + Linux.remedy());
        }
        var made = new TakeOver(control);
        Backend.start(Thread.ofPlatform().daemon().name("sennit-take-over").unstarted(made::ask));
        made.awaitBegin();
        return made;
    }

    private void ask() {
        try {
            ended.complete(ControlClient.ask(control, List.of("take-over", me), this::take));
        } catch (Throwable e) {
            ended.completeExceptionally(e);
        } finally {
            begun.complete(null);
        }
    }

    private void take(List<String> row) {
        switch (row.getFirst()) {
            case "manager" -> {
                pid = Long.parseLong(row.get(1));
                controlPath = Path.of(row.get(2));
                metrics = row.get(3);
            }
            case "listener" -> listeners.add(new Offered(row.get(1), row.get(2), row.get(3)));
            case "spare" -> spares.add(row.get(1));
            case "service" -> services.add(
                    new Scaled(row.get(1), Integer.parseInt(row.get(2)), Integer.parseInt(row.get(3))));
            case "begin" -> begun.complete(null);
            default -> {
                // of a newer Sennit
            }
        }
    }

    private void awaitBegin() throws IOException {
        try {
            begun.get(ANSWER_LIMIT.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new SocketTimeoutException("the manager that listens on " + control + " has not answered within "
                    + ANSWER_LIMIT.toSeconds() + " s, so it goes on; it may be stopped (SIGSTOP), or hang");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            throw new AssertionError("never completed so", e);
        }
        ensureHeld();
        if (isAlone) {
            throw new IOException("the former manager has ended");
        }
    }

    /** The process of the former manager. */
    long pid() {
        return pid;
    }

    /** Whether the former manager has died, so that nobody has to be told. */
    boolean isAlone() {
        return isAlone;
    }

    /**
     * Checks that the former manager still waits for this one.
     *
     * @throws IOException if it does not: it was told to stop, for example
     */
    void ensureHeld() throws IOException {
        if (isAlone || !ended.isDone()) {
            return;
        }
        try {
            Outcome outcome = ended.join().orElseThrow(() -> new IOException(
                    "nobody listens on " + control + ": there is no manager to take over from; leave out "
                            + Invocation.TAKE_OVER));
            throw new IOException(outcome.exitCode() == 0
                    ? "the former manager, process " + pid + ", has let go"
                    : "cannot take over" + (pid == 0 ? "" : " from process " + pid) + ": " + outcome.why());
        } catch (CompletionException e) {
            if (pid != 0 && isDead()) {
                isAlone = true;
                return;
            }
            throw new IOException("the connection to the former manager" + (pid == 0 ? "" : ", process " + pid + ",")
                    + " has failed: " + e.getCause(), e);
        }
    }

    private boolean isDead() {
        Optional<ProcessHandle> former = ProcessHandle.of(pid);
        if (former.isEmpty()) {
            return true;
        }
        try {
            former.get().onExit().get(DEATH_LIMIT.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    // ---- sockets ----

    /**
     * Takes the socket of a listener.
     *
     * @param address as the file has it
     * @param isByName whether only a listener of the same name will do. Without that, one of another name will, if it
     *     alone has the address: several may be on any free port, or on sockets of one name of systemd
     * @return the socket; null if the former manager has none for that address
     * @throws IOException if it has, and does not send it
     */
    @Nullable ListeningSocket take(String name, ListenerAddress address, boolean isByName) throws IOException {
        List<Offered> there = listeners.stream()
                .filter(one -> one.kind().equals(kind(address)) && one.address().equals(address.toString()))
                .filter(one -> !isByName || one.name().equals(name))
                .toList();
        if (there.size() != 1) {
            return null;
        }
        Offered one = there.getFirst();
        listeners.remove(one);
        return receive("listener", one.name(), address instanceof ListenerAddress.Systemd systemd
                ? systemd.name()
                : one.address());
    }

    static String kind(ListenerAddress address) {
        return switch (address) {
            case ListenerAddress.Tcp _ -> "tcp";
            case ListenerAddress.UnixSocket _ -> "unix";
            case ListenerAddress.Systemd _ -> "systemd";
        };
    }

    /** Takes the sockets of systemd that the former manager does not use, as nobody else has them. */
    List<ListeningSocket> takeSpares() throws IOException {
        List<ListeningSocket> taken = new ArrayList<>();
        boolean isDone = false;
        try {
            for (int i = 0; i < spares.size(); i++) {
                taken.add(receive("spare", Integer.toString(i), spares.get(i)));
            }
            for (Iterator<Offered> all = listeners.iterator(); all.hasNext();) {
                Offered one = all.next();
                if (one.kind().equals("systemd")) { // a listener that the new file does not have, or names otherwise
                    taken.add(receive("listener", one.name(), one.address().substring("systemd:".length())));
                    all.remove();
                }
            }
            isDone = true;
            return taken;
        } finally {
            if (!isDone) {
                taken.forEach(one -> Quietly.close(one::close));
            }
        }
    }

    /**
     * Takes the control socket.
     *
     * @param wanted its path in the file of this manager
     * @return the socket; null if that of the former manager is elsewhere
     */
    @Nullable ListeningSocket takeControl(Path wanted) throws IOException {
        return controlPath.equals(wanted) ? receive("control", "", wanted.toString()) : null;
    }

    private ListeningSocket receive(String what, String name, String calledHere) throws IOException {
        Path folder = MeetingFolder.create();
        try (DescriptorReceiver receiver = DescriptorReceiver.bind(folder.resolve(MeetingFolder.SOCKET))) {
            Path path = folder.resolve(MeetingFolder.SOCKET);
            CompletableFuture<Outcome> asked = new CompletableFuture<>();
            Backend.start(Thread.ofPlatform().daemon().name("sennit-take-over").unstarted(() -> {
                try {
                    List<String> words = List.of("take-over-send", me, what, name, path.toString());
                    asked.complete(ControlClient.ask(control, words, _ -> {}, ANSWER_LIMIT)
                            .orElseThrow(() -> new IOException("nobody listens on " + control)));
                } catch (Throwable e) {
                    asked.completeExceptionally(e);
                }
            }));
            try {
                return ListeningSocket.received(receiver.receive(ANSWER_LIMIT), calledHere);
            } catch (IOException e) {
                throw new IOException("the former manager, process " + pid + ", has not sent "
                        + (name.isEmpty() ? "its " : "") + what + (name.isEmpty() ? "" : " " + name) + " ("
                        + (asked.isDone() ? whyNot(asked) : e.getMessage()) + ")", e);
            }
        } finally {
            MeetingFolder.remove(folder);
        }
    }

    private static String whyNot(CompletableFuture<Outcome> asked) {
        return asked.isCompletedExceptionally()
                ? String.valueOf(asked.exceptionNow().getMessage())
                : asked.join().why();
    }

    // ---- what else is taken over ----

    /**
     * Returns how many workers a service was scaled to.
     *
     * @param ofFile how many the file of this manager gives it
     * @return empty if it was not, or the file gives it another number than before
     */
    OptionalInt wanted(String service, int ofFile) {
        return services.stream()
                .filter(one -> one.service().equals(service) && one.ofFile() == ofFile && one.wanted() != ofFile)
                .mapToInt(Scaled::wanted)
                .findFirst();
    }

    /** Whether the former manager serves its figures at an address, which is free when it has stopped. */
    boolean hasMetrics(ListenerAddress.Tcp address) {
        return metrics.equals(address.toString());
    }

    // ---- the end ----

    /**
     * Tells the former manager to stop: this one has all it needs, and its services are up.
     *
     * @throws IOException if the former manager does not stop: then it goes on, and this one must not
     */
    void end() throws IOException {
        ensureHeld();
        if (isAlone) {
            return;
        }
        Optional<Outcome> outcome;
        try {
            outcome = ControlClient.ask(control, List.of("take-over-end", me), _ -> {}, END_LIMIT);
        } catch (SocketTimeoutException e) { // when it comes to it, it finds that this process has ended
            throw new IOException("the former manager, process " + pid + ", has not stopped: " + e.getMessage(), e);
        } catch (IOException e) { // it was killed, or stops already; should it go on, both serve, and nothing is lost
            isAlone = true;
            return;
        }
        if (outcome.isEmpty()) {
            isAlone = true;
        } else if (outcome.get().exitCode() != 0) {
            throw new IOException("cannot take over from process " + pid + ": " + outcome.get().why());
        }
    }

    /** Tells a manager why this process does not take over; as far as it listens. */
    static void tellFailure(Path control, String why) {
        try {
            ControlClient.ask(
                    control, List.of("take-over-fails", Long.toString(ProcessHandle.current().pid()), why), _ -> {},
                    ANSWER_LIMIT);
        } catch (IOException e) {
            // it sees that this process ends
        }
    }

    /** Tells the former manager why this process does not take over. */
    void fail(String why) {
        if (!isAlone) {
            tellFailure(control, why);
        }
    }
}
