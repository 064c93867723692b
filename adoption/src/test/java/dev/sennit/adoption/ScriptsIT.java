package dev.sennit.adoption;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Programs that are compiled in memory. */
@Timeout(1800) // the first builds all projects
class ScriptsIT {
    @Test
    void singleFile() throws Exception {
        Sale.isAllOf(OutsideProjects.run("source-launcher", "run.sh"), Sale.printed("Main$SoldOut"));
    }

    @InFull
    @Test
    void jshell() throws Exception {
        Sale.isIn(OutsideProjects.run("jshell", "run.sh"), Sale.printed("SoldOut"));
    }
}
