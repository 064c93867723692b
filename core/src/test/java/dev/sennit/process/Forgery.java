package dev.sennit.process;

import java.util.List;
import org.opentest4j.ValueWrapper;

/** What a process that does not keep to the rules says of whom to trust, and of what lies where. */
final class Forgery {
    /** Where a class lies that no reader allows of itself: a jar of the sender's choice. */
    private static final Class<?> FOREIGN = ValueWrapper.class;

    static final String PATTERN = FOREIGN.getPackageName() + ".**";
    static final String JAR = FOREIGN.getProtectionDomain().getCodeSource().getLocation().toExternalForm();

    private Forgery() {}

    /** The list that a forged object brings: names the package, and the jar. */
    static AllowList list() {
        return new AllowList(List.of(PATTERN), List.of(JAR));
    }

    /**
     * A new pipe.
     *
     * @param kept the forger's end
     * @param given the other, which brings {@link #list}
     */
    record Ends(Connection kept, Connection given) {
        static Ends open() {
            MeetingPoint.End end = MeetingPoint.HERE.newPipe();
            return new Ends(
                    new Connection(end, true, true, Forgery.class),
                    new Connection(end.other(), true, true, FOREIGN).allow(PATTERN));
        }
    }

    /** The address of a server with the id of another, so that it passes for that; it brings {@link #list}. */
    static ManagerAddress passingFor(ManagerAddress other, ManagerAddress server) {
        return new ManagerAddress(other.server(), server.socket(), null, server.key(), null, list());
    }

    /** A proxy of the first list that was made at an address. */
    static List<Object> firstListAt(ManagerAddress address) {
        return new RemoteList<>(
                (ListOperations) RemoteObject.uncounted(ManagerClient.shared(address), 1, MethodTable.of(ListOperations.class)));
    }
}
