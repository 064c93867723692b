package dev.sennit.internal.linux;

import dev.sennit.Program;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * Starts a program as systemd does, with two sockets, for each of which a client waits, and a file, from descriptor 3
 * on. It is a program of its own, in which descriptors can be moved about; a shell can move them, but open no socket.
 */
public final class AsSystemd {
    private AsSystemd() {}

    /**
     * Runs a program.
     *
     * @param names {@code LISTEN_FDNAMES}
     * @param count how many of the three are passed on
     * @return what it printed
     */
    public static String outputOf(Class<?> program, String names, int count) throws IOException, InterruptedException {
        List<String> command = Program.command(List.of("--enable-native-access=ALL-UNNAMED"), program);
        return Program.outputOf(
                AsSystemd.class,
                "--enable-native-access=ALL-UNNAMED",
                "-Dnames=" + names,
                "-Dcount=" + count,
                "-Dcommand=" + String.join("\n", command));
    }

    public static void main(String[] arguments) throws Exception {
        try (ListeningSocket one = ListeningSocket.bind(new InetSocketAddress("127.0.0.1", 0), 8);
                ListeningSocket two = ListeningSocket.bind(new InetSocketAddress("127.0.0.1", 0), 8);
                var _ = SocketChannel.open(one.address());
                var _ = SocketChannel.open(two.address())) {
            SystemCall.DUP3.make(one.descriptor(), 0, 0);
            SystemCall.DUP3.make(two.descriptor(), 2, 0);
            List<String> command = new ArrayList<>(List.of(
                    "sh",
                    "-c",
                    "exec 3<&0 4<&2 5</dev/null 0</dev/null 2>&1; export LISTEN_PID=$$; exec \"$@\"",
                    "sh"));
            command.addAll(List.of(System.getProperty("command").split("\n")));
            var builder = new ProcessBuilder(command).inheritIO();
            builder.environment().put("LISTEN_FDS", System.getProperty("count"));
            builder.environment().put("LISTEN_FDNAMES", System.getProperty("names"));
            builder.start().waitFor();
        }
    }
}
