package dev.sennit.internal.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.WeakHashMap;

/**
 * The sockets of a manager of services, as a command passes them from one manager to the next. While both have a
 * socket, both may have workers that accept on it. Its Unix path belongs to one of them, which removes it at its end.
 */
public interface HeldListeners {
    /** The sockets by their manager, whose class this package may not know. */
    Map<Object, HeldListeners> ALL = Collections.synchronizedMap(new WeakHashMap<>());

    /**
     * Returns the sockets of a manager.
     *
     * @param manager a {@code dev.sennit.service.ServiceManager}
     * @return its sockets
     */
    static HeldListeners of(Object manager) {
        return Objects.requireNonNull(ALL.get(manager), "a manager of services");
    }

    /** Returns whether sockets can be sent and taken at all. */
    boolean canPass();

    /**
     * Sends a listener's descriptor to a process that waits at a path as a {@link DescriptorReceiver}.
     *
     * @param listener its name
     * @throws IOException if the process does not take it, or the listener is closed
     */
    void send(String listener, Path path) throws IOException;

    /**
     * The names of the sockets of systemd that no listener uses.
     *
     * @return in their order
     * @throws IOException if systemd has passed on what is no such socket
     */
    List<String> spares() throws IOException;

    /**
     * Sends the descriptor of a spare socket of systemd.
     *
     * @param index its place among {@link #spares}
     * @throws IOException if the process does not take it, or there is none
     */
    void sendSpare(int index, Path path) throws IOException;

    /**
     * Takes a socket as a listener. Its Unix path stays the other manager's.
     *
     * @param isOfSystemd whether systemd has bound it
     * @throws IOException if the manager has ended
     */
    void take(String listener, ListeningSocket socket, boolean isOfSystemd) throws IOException;

    /**
     * Takes sockets of systemd for listeners that are to come.
     *
     * @param sockets in their order, with the names that systemd has for them
     */
    void takeSpares(List<ListeningSocket> sockets);

    /** Takes over the Unix paths of the sockets that were taken. */
    void ownPaths();

    /** Leaves the Unix paths to the manager that has taken the sockets. */
    void leavePaths();
}
