package dev.sennit.benchmarks.coroutines;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.Peer;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A server that sends back what it receives: the processor time that a message takes it, and how many it serves. */
public final class EchoExperiment implements Experiment {
    private static final String LIMIT = "selector by hand";
    private static final String STREAM = "loop, ByteStream";
    private static final String SOCKET = "loop, Socket";
    private static final String VIRTUAL = "virtual threads, Socket";
    private static final String ASYNCIO = "asyncio";
    private static final String UVLOOP = "uvloop";
    private static final double AIM = 1.5;

    private static final int CONNECTIONS = 64;
    private static final int LENGTH = 64;

    @Override
    public Report run(Bench bench) throws Exception {
        try (Peer limit = JvmPeer.open(EchoServers.SELECTOR, List.of());
                Peer stream = JvmPeer.open(EchoServers.STREAM, List.of());
                Peer socket = JvmPeer.open(EchoServers.SOCKET, List.of());
                Peer virtual = JvmPeer.open(EchoServers.VIRTUAL, List.of());
                var python = Peers.open(bench, ASYNCIO + Peers.STREAMS, UVLOOP + Peers.STREAMS)) {
            Map<String, Peer> servers = new LinkedHashMap<>();
            servers.put(LIMIT, limit);
            servers.put(STREAM, stream);
            servers.put(SOCKET, socket);
            servers.put(VIRTUAL, virtual);
            python.forEach(servers::put);
            return compare(bench, servers);
        }
    }

    private static Report compare(Bench bench, Map<String, Peer> servers) throws Exception {
        int messages = bench.size(200_000, 2_000);
        var contest = new Rounds();
        for (var server : servers.entrySet()) {
            Peer peer = server.getValue();
            int port = (int) peer.measure("port")[0];
            contest.add(server.getKey(), bench.size(3, 1), bench.size(9, 1), () -> load(peer, port, messages));
        }
        var comparison = new Comparison(contest.run())
                .sample("processor time", 0)
                .rateOf("messages", 1)
                .against(LIMIT)
                .against(ASYNCIO + Peers.STREAMS)
                .against(UVLOOP + Peers.STREAMS);
        double times = 1 / comparison.ratio(STREAM, LIMIT);
        return new Report()
                .add("What a message takes the server, and how many it serves", comparison.table())
                .aim(STREAM + " <= " + AIM + " times the processor time of " + LIMIT, Figures.ratio(times) + " times",
                        times <= AIM);
    }

    /**
     * Each connection sends a message when it has the one before back: processor seconds and seconds for each message.
     */
    private static double[] load(Peer server, int port, int messages) throws IOException {
        try (var clients = new Clients(port)) {
            clients.exchange(CONNECTIONS);
            double usedBefore = server.processorSeconds();
            long start = System.nanoTime();
            clients.exchange(messages);
            double seconds = Bench.secondsSince(start);
            return new double[] {(server.processorSeconds() - usedBefore) / messages, seconds / messages};
        }
    }

    /** All connections, by one thread. */
    private static final class Clients implements AutoCloseable {
        private final Selector selector = Selector.open();
        private final ByteBuffer in = ByteBuffer.allocateDirect(LENGTH);
        private final ByteBuffer out = ByteBuffer.allocateDirect(LENGTH);
        private int unsent;
        private int unanswered;

        Clients(int port) throws IOException {
            for (int i = 0; i < CONNECTIONS; i++) {
                var channel = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
                channel.configureBlocking(false);
                channel.register(selector, SelectionKey.OP_READ, new Client(channel));
            }
        }

        void exchange(int messages) throws IOException {
            unsent = messages;
            unanswered = messages;
            for (SelectionKey key : selector.keys()) {
                ((Client) key.attachment()).send();
            }
            while (unanswered > 0) {
                selector.select();
                for (SelectionKey key : selector.selectedKeys()) {
                    ((Client) key.attachment()).receive();
                }
                selector.selectedKeys().clear();
            }
        }

        private final class Client {
            private final SocketChannel channel;
            /** How much of the message is not back yet. */
            private int missing;

            Client(SocketChannel channel) {
                this.channel = channel;
            }

            void send() throws IOException {
                if (unsent > 0) {
                    unsent--;
                    missing = LENGTH;
                    out.clear();
                    while (out.hasRemaining()) {
                        channel.write(out);
                    }
                }
            }

            void receive() throws IOException {
                int count = channel.read(in.clear());
                if (count < 0) {
                    throw new EOFException("the server closed a connection");
                }
                missing -= count;
                if (count > 0 && missing == 0) {
                    unanswered--;
                    send();
                }
            }
        }

        @Override
        public void close() throws IOException {
            for (SelectionKey key : selector.keys()) {
                key.channel().close();
            }
            selector.close();
        }
    }
}
