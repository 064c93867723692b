package dev.sennit.testing.server;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * RabbitMQ: a node of its own, with its own {@code epmd} (the directory in which nodes find each other), so that it
 * meets no other node of this machine. Its cookie lies in its folder, which is its home.
 *
 * <p>{@code epmd} is started before the node, in its process group: the node would start one that goes into the
 * background, and outlives it.
 */
final class RabbitmqProgram extends ServerProgram {
    private static final String USER = "guest";
    private static final String NOT_INSTALLED = "rabbitmq-server is not installed: apt-get install rabbitmq-server";
    /** Of Debian: what lies in PATH there changes to the user of the machine's own node. */
    private static final Path OF_DEBIAN = Path.of("/usr/lib/rabbitmq/bin/rabbitmq-server");

    private static final byte[] GREETING = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
    private static final int METHOD_FRAME = 1;

    private static final String SCRIPT = """
            epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" &
            left=100
            while [ "$left" -gt 0 ] && ! epmd -port "$ERL_EPMD_PORT" -names >/dev/null 2>&1; do
              sleep 0.05 || sleep 1
              left=$((left - 1))
            done
            exec "$1"
            """;

    private final Path program;

    RabbitmqProgram(ServerSettings settings, Path folder) throws ServerNotInstalledException {
        super(settings, folder, USER);
        program = ensureInstalled();
    }

    static Path ensureInstalled() throws ServerNotInstalledException {
        Path program = System.getProperty(Programs.PROPERTY) == null && Files.isExecutable(OF_DEBIAN)
                ? OF_DEBIAN
                : Programs.anyOf("rabbitmq-server");
        if (program == null) {
            throw new ServerNotInstalledException(NOT_INSTALLED);
        }
        return program;
    }

    @Override
    void prepare(Caretaker caretaker) throws IOException {
        List<String> lines = new ArrayList<>(List.of("default_user = " + USER, "default_pass = " + password));
        lines.addAll(settings.configuration());
        Files.write(folder.resolve("rabbitmq.conf"), lines);
        // It looks once a minute whether consumer_timeout is over: too seldom for a test that sets it.
        boolean isTimed = lines.stream().anyMatch(line -> line.startsWith("consumer_timeout"));
        Files.writeString(folder.resolve("advanced.config"),
                isTimed ? "[{rabbit, [{channel_tick_interval, 500}]}].\n" : "[].\n");
        Files.writeString(folder.resolve("plugins"), "[].\n");
        Files.writeString(folder.resolve("epmd-and-node.sh"), SCRIPT);
    }

    @Override
    List<String> command(int port) throws IOException {
        Map<String, String> environment = new TreeMap<>();
        environment.put("ERL_EPMD_ADDRESS", HOST);
        environment.put("ERL_EPMD_PORT", Integer.toString(TestServer.freePort()));
        environment.put("ERL_CRASH_DUMP", folder.resolve("erl_crash.dump").toString());
        environment.put("RABBITMQ_NODENAME", "sennit@localhost");
        environment.put("RABBITMQ_NODE_IP_ADDRESS", HOST);
        environment.put("RABBITMQ_NODE_PORT", Integer.toString(port));
        environment.put("RABBITMQ_DIST_PORT", Integer.toString(TestServer.freePort()));
        // Erlang's schedulers would spin for a while after each message, on processors that the test needs.
        environment.put("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}"
                + " +sbwt none +sbwtdcpu none +sbwtdio none");
        environment.put("RABBITMQ_CONF_ENV_FILE", folder.resolve("none").toString());
        environment.put("RABBITMQ_CONFIG_FILE", folder.resolve("rabbitmq.conf").toString());
        environment.put("RABBITMQ_ADVANCED_CONFIG_FILE", folder.resolve("advanced.config").toString());
        environment.put("RABBITMQ_ENABLED_PLUGINS_FILE", folder.resolve("plugins").toString());
        environment.put("RABBITMQ_GENERATED_CONFIG_DIR", folder.resolve("generated").toString());
        environment.put("RABBITMQ_PLUGINS_EXPAND_DIR", folder.resolve("expanded").toString());
        environment.put("RABBITMQ_FEATURE_FLAGS_FILE", folder.resolve("feature-flags").toString());
        environment.put("RABBITMQ_MNESIA_BASE", folder.resolve("data").toString());
        environment.put("RABBITMQ_MNESIA_DIR", folder.resolve("data").resolve("node").toString());
        environment.put("RABBITMQ_LOG_BASE", folder.resolve("log").toString());
        environment.put("RABBITMQ_PID_FILE", folder.resolve("pid").toString());
        environment.put("RABBITMQ_LOGS", "-");
        environment.put("RUNNING_UNDER_SYSTEMD", "true"); // the script becomes the node then, instead of keeping it
        List<String> command = new ArrayList<>(List.of("/usr/bin/env"));
        environment.forEach((name, value) -> command.add(name + "=" + value));
        command.addAll(List.of("/bin/sh", folder.resolve("epmd-and-node.sh").toString(), program.toString()));
        return command;
    }

    @Override
    String stopSignal() {
        return "TERM";
    }

    @Override
    String quickSignal() {
        return "KILL";
    }

    /** Greets it. The server answers with what it can do. */
    @Override
    boolean answers(Socket connection) throws IOException {
        connection.getOutputStream().write(GREETING);
        return connection.getInputStream().read() == METHOD_FRAME;
    }

    @Override
    URI uri(int port) {
        return uri("amqp", USER + ":" + password, port, "/%2F");
    }

    @Override
    Map<String, String> environment(int port) {
        String uri = uri(port).toString();
        return Map.of("SENNIT_RABBITMQ_URI", uri, "AMQP_URL", uri);
    }
}
