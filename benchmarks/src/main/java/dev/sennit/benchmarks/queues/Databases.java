package dev.sennit.benchmarks.queues;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.net.URI;

/** Connections to PostgreSQL for peers. */
final class Databases {
    private Databases() {}

    /** Opens a pool of connections to {@code postgresql://USER:PASSWORD@HOST:PORT/DATABASE}. */
    static HikariDataSource pool(String address, int connections) {
        URI uri = URI.create(address);
        String[] account = uri.getUserInfo().split(":", 2);
        var config = new HikariConfig();
        config.setJdbcUrl("jdbc:postgresql://" + uri.getHost() + ":" + uri.getPort() + uri.getPath());
        config.setUsername(account[0]);
        config.setPassword(account[1]);
        config.addDataSourceProperty("reWriteBatchedInserts", "true");
        config.setMaximumPoolSize(connections);
        return new HikariDataSource(config);
    }
}
