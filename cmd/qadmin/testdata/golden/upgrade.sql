upgrade;
upgrade pgq using plpgsql dry run;
upgrade nosuch;
