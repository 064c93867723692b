package dev.sennit.adoption;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Plugins, in class loaders of their own; in {@code ./test full}. */
@EnabledIfSystemProperty(named = "sennit.adoption", matches = "full")
@Timeout(1800) // the first builds all projects
class PluginsIT {
    @Test
    void libraryInPlugin() throws Exception {
        Sale.isAllOf(OutsideProjects.run("plugin-host", "library-in-plugin.sh"), Sale.printed());
    }

    @Test
    void libraryInHost() throws Exception {
        Sale.isAllOf(OutsideProjects.run("plugin-host", "library-in-host.sh"), Sale.printed());
    }
}
