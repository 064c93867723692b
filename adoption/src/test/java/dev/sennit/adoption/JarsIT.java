package dev.sennit.adoption;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Applications, however they are packaged. */
@Timeout(1800) // the first builds all projects
class JarsIT {
    @Test
    void classPath() throws Exception {
        Sale.isAllOf(OutsideProjects.run("class-path", "run.sh"), Sale.printed());
    }

    @Test
    void modulePath() throws Exception {
        Sale.isAllOf(OutsideProjects.run("module-path", "run.sh"), Sale.printed());
    }

    @Test
    void uberJar() throws Exception {
        Sale.isAllOf(OutsideProjects.run("uber-jar", "run.sh"), Sale.printed());
    }

    @Test
    void relocatedLibrary() throws Exception {
        Sale.isAllOf(OutsideProjects.run("relocated-library", "run.sh"), Sale.printed());
    }

    @Test
    void relocatedApplication() throws Exception {
        Sale.isAllOf(OutsideProjects.run("relocated-application", "run.sh"), Sale.printed("com.example.shop.SoldOut"));
    }

    @Test
    @InFull
    void springBoot3() throws Exception {
        Sale.isIn(OutsideProjects.run("spring-boot-3", "run.sh"), Sale.printed());
    }

    @Test
    void springBoot4() throws Exception {
        Sale.isIn(OutsideProjects.run("spring-boot-4", "run.sh"), Sale.printed());
    }

    @Test
    @InFull
    void springBootExtracted() throws Exception {
        Sale.isIn(OutsideProjects.run("spring-boot-4", "extracted.sh"), Sale.printed());
    }
}
