package dev.sennit.examples.coroutines;

import dev.sennit.Futures;
import dev.sennit.TaskFuture;
import dev.sennit.loop.EventLoop;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.h2.tools.Server;

/**
 * JDBC as ever, in three coroutines of one loop: the driver waits for its socket, and knows nothing of them. The
 * database answers nobody before all have asked: so they do wait at the same time.
 *
 * <p>Wants {@code --add-opens java.base/java.lang=ALL-UNNAMED}: by agreement alone, the first would hold the loop.
 */
public final class BlockingJdbc {
    private static final CountDownLatch ALL_HAVE_ASKED = new CountDownLatch(3);

    private BlockingJdbc() {}

    /** The database calls it. */
    public static int stock(String fruit) throws InterruptedException {
        ALL_HAVE_ASKED.countDown();
        ALL_HAVE_ASKED.await();
        return 10 * fruit.length();
    }

    /** Knows nothing of coroutines. */
    private static String ask(String url, String fruit) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url, "sa", "");
                PreparedStatement statement = connection.prepareStatement("select stock(?)")) {
            statement.setString(1, fruit);
            try (ResultSet result = statement.executeQuery()) {
                result.next();
                return result.getInt(1) + " " + fruit;
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        Server database = Server.createTcpServer("-tcpPort", "0", "-ifNotExists").start();
        String url = "jdbc:h2:tcp://localhost:" + database.getPort() + "/mem:shop";
        try (Connection first = DriverManager.getConnection(url, "sa", "")) {
            first.createStatement()
                    .execute("create alias stock for 'dev.sennit.examples.coroutines.BlockingJdbc.stock'");
            List<String> answers = EventLoop.run(() -> {
                List<TaskFuture<String>> all = new ArrayList<>();
                for (String fruit : List.of("fig", "pear", "apple")) {
                    all.add(EventLoop.current().submit(() -> ask(url, fruit)));
                }
                return Futures.gather(all);
            });
            System.out.println(answers);
        } finally {
            database.stop();
        }
    }
}
