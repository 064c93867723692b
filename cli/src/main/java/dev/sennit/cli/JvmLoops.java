package dev.sennit.cli;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import dev.sennit.loop.Loops;
import dev.sennit.loop.LoopsMXBean;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.management.InstanceAlreadyExistsException;
import javax.management.JMException;
import javax.management.JMX;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.ReflectionException;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/**
 * Reads the event loops of another JVM of the same user.
 *
 * <p>Over the attach mechanism the JVM is asked to start its own management agent, which loads no foreign code and so
 * prints no warning, and listens for this user alone. Then its MBean server is asked to make an object of the library's class
 * for this: a JVM that nobody looks at has none. Where the library is of a loader that the server does not know, it makes one itself as soon
 * as it sees that there is a server.
 */
final class JvmLoops {
    private static final long LONGEST_WAIT = TimeUnit.SECONDS.toNanos(3);
    private static final long LOOK_AGAIN = TimeUnit.MILLISECONDS.toNanos(50);

    private JvmLoops() {}

    @SuppressWarnings("BanJNDI") // the address is not looked up: it is what the JVM has said to the attached
    static List<LoopsMXBean.Loop> read(long pid) {
        String address = startAgent(pid);
        try (var connector = JMXConnectorFactory.connect(new JMXServiceURL(address))) {
            MBeanServerConnection server = connector.getMBeanServerConnection();
            makeOne(server);
            return loops(server)
                    .orElseThrow(() -> CommandException.failed("process " + pid + " has no Sennit with event loops, or none that is watched", null));
        } catch (CommandException e) {
            throw e;
        } catch (IOException | JMException | RuntimeException e) {
            throw CommandException.failed("process " + pid + " could not be read: " + CommandException.taskFailure(e), e);
        }
    }

    private static void makeOne(MBeanServerConnection server) throws IOException, JMException {
        try {
            server.createMBean(Loops.class.getName(), new ObjectName(LoopsMXBean.NAME));
        } catch (InstanceAlreadyExistsException e) {
            // somebody has looked before
        } catch (ReflectionException e) {
            // the library is of another loader than the class path's
        }
    }

    /**
     * Of all libraries there are; empty if there is none. Waits for the first loop: a library of another loader needs a moment to see
     * that somebody asks, also where the class path's has none.
     */
    private static Optional<List<LoopsMXBean.Loop>> loops(MBeanServerConnection server) throws IOException, JMException {
        var all = new ObjectName(LoopsMXBean.NAME + ",*");
        long start = System.nanoTime();
        while (true) {
            Set<ObjectName> names = server.queryNames(all, null);
            List<LoopsMXBean.Loop> loops = names.stream()
                    .sorted()
                    .flatMap(name -> JMX.newMXBeanProxy(server, name, LoopsMXBean.class).loops().stream())
                    .toList();
            if (!loops.isEmpty() || System.nanoTime() - start > LONGEST_WAIT) {
                return names.isEmpty() ? Optional.empty() : Optional.of(loops);
            }
            LockSupport.parkNanos(LOOK_AGAIN);
        }
    }

    private static String startAgent(long pid) {
        String what = "process " + pid;
        ProcessHandle process = ProcessHandle.of(pid)
                .orElseThrow(() -> CommandException.usage("no " + what + ": jps lists the JVMs that there are"));
        if (pid == ProcessHandle.current().pid()) {
            throw CommandException.usage(what + " is this command itself");
        }
        try {
            VirtualMachine machine = VirtualMachine.attach(Long.toString(pid));
            try {
                return machine.startLocalManagementAgent();
            } finally {
                machine.detach();
            }
        } catch (AttachNotSupportedException e) {
            throw CommandException.usage(what + " is no JVM that answers: jps lists those that there are", e);
        } catch (IOException e) {
            String owner = process.info().user().orElse("");
            String self = System.getProperty("user.name");
            throw owner.isEmpty() || owner.equals(self)
                    ? CommandException.couldNotStart("could not attach to " + what + ": " + CommandException.oneLine(e), e)
                    : CommandException.couldNotStart(
                            what + " belongs to " + owner + ": run this as that user, was " + self, e);
        }
    }
}
