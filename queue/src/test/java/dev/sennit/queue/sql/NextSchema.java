package dev.sennit.queue.sql;

import java.util.ArrayList;
import java.util.List;

/** The tables of a version that is still to come. */
public final class NextSchema {
    private NextSchema() {}

    /** A version with another column, which programs from a version on understand. */
    public static Schema of(int readable, String... statements) {
        List<Schema.Migration> migrations = new ArrayList<>(Schema.MIGRATIONS);
        migrations.add(new Schema.Migration(readable, List.of(statements)));
        return new Schema(migrations);
    }
}
