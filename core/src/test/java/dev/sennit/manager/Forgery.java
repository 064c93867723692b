package dev.sennit.manager;

import dev.sennit.codec.AllowList;
import dev.sennit.manager.wire.ListOperations;
import dev.sennit.manager.wire.MethodTable;
import java.util.List;
import java.util.Objects;
import org.opentest4j.ValueWrapper;

/** What a process that does not keep to the rules says of whom to trust, and of what lies where. */
public final class Forgery {
    /** Where a class lies that no reader allows of itself: a jar of the sender's choice. */
    public static final Class<?> FOREIGN = ValueWrapper.class;

    public static final String PATTERN = FOREIGN.getPackageName() + ".**";
    public static final String JAR = FOREIGN.getProtectionDomain().getCodeSource().getLocation().toExternalForm();

    private Forgery() {}

    /** The list that a forged object brings: names the package, and the jar. */
    static AllowList list() {
        return new AllowList(List.of(PATTERN), List.of(JAR));
    }

    /** The address of a server with the id of another, so that it passes for that; it brings {@link #list}. */
    public static ManagerAddress passingFor(ManagerAddress other, ManagerAddress server) {
        return new ManagerAddress(other.server(), server.socket(), null, server.key(), null, list());
    }

    /** A proxy of the first list that was made at an address. */
    public static List<Object> firstListAt(ManagerAddress address) {
        return new RemoteList<>(
                (ListOperations) RemoteObject.uncounted(ManagerClient.shared(address), 1,
                        MethodTable.of(ListOperations.class)));
    }

    /** An address that says what it is told to, whatever is there. */
    public static ManagerAddress address(long server, String socket, byte[] key) {
        return new ManagerAddress(server, socket, null, key, null, new AllowList(List.of()));
    }

    // ---- what an address and a server say to this package alone ----

    public static long server(ManagerAddress address) {
        return address.server();
    }

    public static String socket(ManagerAddress address) {
        return Objects.requireNonNull(address.socket());
    }

    public static byte[] key(ManagerAddress address) {
        return address.key();
    }

    public static List<String> named(ManagerAddress address) {
        return address.allowed().named();
    }

    public static int objects(ManagerServer manager) {
        return manager.objects();
    }
}
