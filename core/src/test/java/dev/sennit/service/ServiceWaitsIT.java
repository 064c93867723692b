package dev.sennit.service;

import static dev.sennit.loop.WaitingMethods.waits;
import static dev.sennit.loop.WaitingMethods.waitsWithin;

import dev.sennit.loop.EventLoop;
import dev.sennit.loop.WaitingMethods;
import dev.sennit.loop.WaitingMethods.Entry;
import dev.sennit.loop.WaitingMethods.Part;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Deque;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What {@code WaitsTest} asks of all methods that wait, of those of services. */
@EnabledOnOs(OS.LINUX)
public class ServiceWaitsIT {
    private static final Duration DAY = Duration.ofDays(1);

    /** For JUnit. */
    ServiceWaitsIT() {}

    private static ServiceLog log() {
        return ServiceLog.to(OutputStream.nullOutputStream(), ServiceLog.Format.TEXT);
    }

    private static ServiceManager notStarted(Deque<Part> atEnd) {
        ServiceManager manager = ServiceManager.create("waits", log());
        atEnd.addLast(manager::close);
        return manager;
    }

    /** One whose worker does not stop. */
    private static ServiceManager stubborn(Deque<Part> atEnd) throws IOException {
        ServiceManager manager = ServiceManager.create("waits", log());
        atEnd.addLast(() -> manager.shutdownNow().get());
        manager.add(ServiceSettings.ofCommand("deaf", "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
                .stopLimit(DAY)
                .build());
        manager.start();
        manager.whenUp().join();
        return manager;
    }

    /** The worker of a service, without its process. */
    private static ServiceWorker worker(Deque<Part> atEnd) throws IOException {
        var own = new WorkerListener("web", null, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        var worker = new RunningService(
                new ServiceMain(
                        new ServiceMain.Identity("waits", "one", 0, 1),
                        new ServiceMain.Code(null, null, false),
                        new ServiceMain.Limits(Duration.ZERO, DAY),
                        new ServiceMain.Given(own, Map.of())),
                null);
        worker.listen();
        atEnd.addLast(worker.listener()::close);
        return worker;
    }

    /** All of them. */
    public static Stream<Entry> all() {
        return Stream.of(
                waits("ServiceManager.awaitEnd()", atEnd -> notStarted(atEnd)::awaitEnd),
                waitsWithin("ServiceManager.awaitEnd(Duration)", atEnd -> {
                    ServiceManager manager = notStarted(atEnd);
                    return () -> manager.awaitEnd(DAY);
                }),
                waits("ServiceManager.close", atEnd -> stubborn(atEnd)::close),
                waits("the future of ServiceManager.scale", atEnd -> {
                    ServiceManager manager = stubborn(atEnd);
                    return () -> manager.scale("deaf", 0).get();
                }),
                waitsWithin("LogFollower.next(Duration)", atEnd -> {
                    LogFollower follower = log().follow(0, "");
                    atEnd.addLast(follower::close);
                    return () -> follower.next(DAY);
                }),
                waits("ServiceWorker.awaitStop()", atEnd -> worker(atEnd)::awaitStop),
                waitsWithin("ServiceWorker.awaitStop(Duration)", atEnd -> {
                    ServiceWorker worker = worker(atEnd);
                    return () -> worker.awaitStop(DAY);
                }),
                waits("ServiceWorker.accept()", atEnd -> worker(atEnd)::accept));
    }

    @ParameterizedTest
    @MethodSource("all")
    void onALoopThatFallsBack(Entry entry) throws Exception {
        WaitingMethods.checkThatOthersHaveTheirTurn(
                entry, EventLoop.builder().mechanism(EventLoop.Mechanism.BATON).open(), () -> {});
    }

    @ParameterizedTest
    @MethodSource("all")
    void onALoopWithItsOwnScheduler(Entry entry) throws Exception {
        WaitingMethods.checkThatOthersHaveTheirTurn(
                entry, EventLoop.builder().mechanism(EventLoop.Mechanism.SCHEDULER).open(), () -> {});
    }
}
